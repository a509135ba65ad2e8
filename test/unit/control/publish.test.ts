import { describe, expect, it } from 'vitest'
import { Ledger } from '../../../src/core/ledger.ts'
import type { ControlMessage } from '../../../src/core/message.ts'
import type { ConfigSnapshot } from '../../../src/core/snapshot.ts'
import { Publisher } from '../../../src/control/publish.ts'
import { publishedEndpoint } from '../../support/endpoints.ts'
import { serviceSettings } from '../../support/service.ts'

function config(version: number, ...services: string[]): ConfigSnapshot {
  const settings = services.map((name, slot) => serviceSettings(name, slot))
  return { version, listeners: [], services: settings, routes: [], accessLog: true }
}

/** A data thread that remembers what it was sent, as `config 1` and `users 3: 2 endpoints`. */
function thread() {
  const got: string[] = []
  const send = (message: ControlMessage) => {
    if (message.type === 'config') got.push(`config ${message.snapshot.version}`)
    if (message.type === 'service') {
      const { service, version, endpoints } = message.published
      got.push(`${service} ${version}: ${endpoints.length} endpoints`)
    }
  }
  return { got, send }
}

const one = [publishedEndpoint(0)]
const two = [...one, publishedEndpoint(1)]

function setUp() {
  const publisher = new Publisher(Ledger.create(2, 0))
  publisher.configure(config(1, 'users', 'orders'))
  return publisher
}

describe('publishing', () => {
  it('sends a change of one service alone, to every thread', () => {
    const publisher = setUp()
    const [a, b] = [thread(), thread()]
    publisher.addThread(0, a.send)
    publisher.addThread(1, b.send)
    publisher.publish('users', one)
    expect(a.got).toEqual(['config 1', 'users 1: 1 endpoints'])
    expect(b.got).toEqual(a.got)
  })

  it('has at most one list per service and thread on its way; the latest wins', () => {
    const publisher = setUp()
    const slow = thread()
    publisher.addThread(0, slow.send)
    for (const list of [one, two, [], two]) publisher.publish('users', list)
    publisher.publish('orders', one)
    expect(slow.got).toEqual(['config 1', 'users 1: 1 endpoints', 'orders 5: 1 endpoints'])
    publisher.acknowledged(0, 'users', 1)
    expect(slow.got.slice(3)).toEqual(['users 4: 2 endpoints'])
    publisher.acknowledged(0, 'users', 4)
    expect(slow.got).toHaveLength(4)
  })

  it('names what a thread has acknowledged by its row, and says the rest', () => {
    const publisher = setUp()
    const sent: unknown[] = []
    publisher.addThread(0, (message) => {
      if (message.type === 'service') sent.push(message.published.endpoints)
    })
    const drained = publishedEndpoint(0, { draining: true })
    publisher.publish('users', one)
    publisher.publish('users', two)
    publisher.acknowledged(0, 'users', 1)
    publisher.acknowledged(0, 'users', 2)
    publisher.publish('users', [drained, ...two.slice(1)])
    expect(sent).toEqual([one, [0, two[1]], [drained, 1]])
  })

  it('says all again to a thread that takes the place of another, and of a service that was gone in between', () => {
    const publisher = setUp()
    const sent: unknown[] = []
    const send = (message: ControlMessage) => {
      if (message.type === 'service') sent.push(message.published.endpoints)
    }
    publisher.addThread(0, send)
    publisher.acknowledged(0, 'users', publisher.publish('users', one))
    publisher.removeThread(0)
    publisher.addThread(1, send)
    publisher.acknowledged(1, 'users', 1)
    publisher.acknowledged(1, 'users', publisher.publish('users', two))
    expect(sent).toEqual([one, one, [0, two[1]]])
    publisher.configure(config(2, 'orders'))
    publisher.configure(config(3, 'users', 'orders'))
    publisher.publish('users', two)
    expect(sent.at(-1)).toEqual(two)
  })

  it('sends the ledger with what is the first to need it, and not again before it has grown', () => {
    const ledger = Ledger.create(1, 0)
    const publisher = new Publisher(ledger)
    const sent: (number | null)[] = []
    const send = (message: ControlMessage) => {
      if (message.type === 'config' || message.type === 'service') sent.push(message.ledger?.endpoints.length ?? null)
    }
    publisher.configure(config(1, 'users', 'orders'))
    publisher.addThread(0, send)
    publisher.publish('users', one)
    expect(sent).toEqual([0, null])
    ledger.reserve(1025, 1)
    publisher.publish('orders', two)
    publisher.configure(config(2, 'users', 'orders'))
    expect(sent.slice(2)).toEqual([2, null])
    publisher.removeThread(0)
    publisher.addThread(0, send)
    expect(sent.slice(4)).toEqual([2, null, null])
  })

  it('gives a late thread every list, once, and then the configuration by which it opens its listeners', () => {
    const publisher = setUp()
    publisher.publish('users', one)
    publisher.publish('users', two)
    publisher.publish('orders', [])
    const late = thread()
    publisher.addThread(7, late.send)
    expect(late.got).toEqual(['users 2: 2 endpoints', 'orders 3: 0 endpoints', 'config 1'])
  })

  it('gives a replaced thread everything, whatever the one before had acknowledged', () => {
    const publisher = setUp()
    publisher.addThread(0, thread().send)
    publisher.acknowledged(0, 'users', publisher.publish('users', one))
    publisher.removeThread(0)
    const next = thread()
    publisher.addThread(0, next.send)
    expect(next.got).toEqual(['users 1: 1 endpoints', 'config 1'])
    expect(publisher.ackedByAll('users')).toBe(0)
  })

  it('takes acknowledgements that come while it sends, as they do within one thread', () => {
    const publisher = setUp()
    const versions: number[] = []
    publisher.addThread(0, (message) => {
      if (message.type !== 'service') return
      versions.push(message.published.version)
      publisher.acknowledged(0, message.published.service, message.published.version)
    })
    publisher.publish('users', one)
    publisher.publish('users', two)
    expect(versions).toEqual([1, 2])
    expect(publisher.ackedByAll('users')).toBe(2)
  })

  it('knows what all threads have, and waits for no thread that is gone', () => {
    const publisher = setUp()
    publisher.addThread(0, thread().send)
    publisher.addThread(1, thread().send)
    const version = publisher.publish('users', one)
    publisher.acknowledged(0, 'users', version)
    publisher.configAcknowledged(0, 1)
    expect([publisher.ackedByAll('users'), publisher.configAckedByAll()]).toEqual([0, 0])
    publisher.removeThread(1)
    expect([publisher.ackedByAll('users'), publisher.configAckedByAll()]).toEqual([version, 1])
  })

  it('forgets a service that the configuration no longer names, and never repeats a version when it returns', () => {
    const publisher = setUp()
    const a = thread()
    publisher.addThread(0, a.send)
    publisher.publish('users', one)
    publisher.configure(config(2, 'orders'))
    publisher.configure(config(3, 'users', 'orders'))
    publisher.publish('users', two)
    publisher.acknowledged(0, 'users', 1)
    expect(publisher.ackedByAll('users')).toBe(0)
    publisher.acknowledged(0, 'users', 2)
    expect(publisher.ackedByAll('users')).toBe(2)
    expect(a.got).toEqual(['config 1', 'users 1: 1 endpoints', 'config 2', 'config 3', 'users 2: 2 endpoints'])
  })

  it('ignores acknowledgements of threads, services and versions it does not know', () => {
    const publisher = setUp()
    const a = thread()
    publisher.addThread(0, a.send)
    publisher.publish('users', one)
    publisher.acknowledged(9, 'users', 1)
    publisher.acknowledged(0, 'ghosts', 1)
    publisher.acknowledged(0, 'users', 77)
    expect(publisher.ackedByAll('users')).toBe(0)
  })
})
