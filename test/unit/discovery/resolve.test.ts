import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Instance } from '../../../src/core/instance.ts'
import { AnswerBox } from '../../../src/discovery/answer-box.ts'
import type { Answer } from '../../../src/discovery/contract.ts'
import { createResolver } from '../../../src/discovery/resolve.ts'
import { seededRandom } from '../../../src/util/random.ts'
import { fakeDns } from '../../support/fake-dns.ts'
import { startWatch } from '../../support/watching.ts'

const instance = (host: string, id = host): Instance => ({
  id,
  node: 'n1',
  host,
  port: 80,
  weight: 1,
  zone: '',
  version: '',
  tags: [],
  meta: {},
  status: 'passing',
})
const answer = (hosts: readonly string[], mayHaveForgotten = false): Answer => ({
  instances: hosts.map((host) => instance(host)),
  position: 7,
  mayHaveForgotten,
})

/** A resolver over names that the test controls; `source` is what the registry says. */
function start() {
  const dns = fakeDns()
  const unresolved: string[] = []
  const resolver = createResolver({
    dns,
    clock: { now: () => Date.now() },
    random: seededRandom(1),
    onUnresolved: (name, reason) => unresolved.push(`${name}: ${reason}`),
  })
  const follow = () => {
    const source = new AnswerBox()
    const watching = startWatch((signal) => resolver.resolved(source.answers(), signal))
    onTestFinished(async () => watching.stop().catch(() => {}))
    const hosts = async () => (await watching.next())?.instances.map(({ host }) => host)
    return { source, watching, hosts }
  }
  return { dns, unresolved, follow, ...follow() }
}

describe('the resolver', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('passes answers of addresses on as they are, without a timer', async () => {
    const { source, watching, dns } = start()
    const given = answer(['10.0.0.1', '2001:db8::1'], true)
    source.put(given)
    expect(await watching.next()).toEqual(given)
    expect([vi.getTimerCount(), dns.asked.length]).toEqual([0, 0])
  })

  it('makes an instance of each address of a name', async () => {
    const { source, watching, dns } = start()
    dns.system.web = ['10.0.0.1', '10.0.0.2']
    source.put(answer(['web', '10.0.0.9']))
    const next = watching.next()
    await vi.advanceTimersByTimeAsync(0)
    expect((await next)?.instances).toEqual([
      { ...instance('10.0.0.1', 'web'), hostName: 'web' },
      { ...instance('10.0.0.2', 'web'), hostName: 'web' },
      instance('10.0.0.9'),
    ])
  })

  it('yields again when the addresses of a name change, and only then', async () => {
    const { source, hosts, dns } = start()
    dns.a['web.example.com'] = [{ address: '10.0.0.1', ttl: 10 }]
    source.put(answer(['web.example.com'], true))
    const first = hosts()
    await vi.advanceTimersByTimeAsync(0)
    expect(await first).toEqual(['10.0.0.1'])
    const second = hosts()
    await vi.advanceTimersByTimeAsync(25_000)
    expect(dns.asked.filter((question) => question.startsWith('a '))).toHaveLength(3)
    dns.a['web.example.com'] = [{ address: '10.0.0.2', ttl: 10 }]
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await second).toEqual(['10.0.0.2'])
  })

  it('keeps the addresses it has while a name can not be looked up', async () => {
    const { source, hosts, dns, unresolved } = start()
    dns.system.web = ['10.0.0.1']
    source.put(answer(['web']))
    const first = hosts()
    await vi.advanceTimersByTimeAsync(0)
    await first
    dns.system.web = 'EAI_AGAIN'
    const second = hosts()
    await vi.advanceTimersByTimeAsync(300_000)
    expect(unresolved).toEqual(['web: system EAI_AGAIN web'])
    dns.system.web = ['10.0.0.2']
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await second).toEqual(['10.0.0.2'])
  })

  it('lets a first answer wait for slow names, and gives up on them after 2 s', async () => {
    const { source, hosts, dns } = start()
    const slow = Promise.withResolvers<string[]>()
    dns.system.slow = slow.promise
    source.put(answer(['10.0.0.1', 'slow']))
    const first = hosts()
    await vi.advanceTimersByTimeAsync(1999)
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await first).toEqual(['10.0.0.1'])
    slow.resolve(['10.0.0.2'])
    expect(await hosts()).toEqual(['10.0.0.1', '10.0.0.2'])
  })

  it('leaves out and reports a name that is not found, and adds it when it is', async () => {
    const { source, hosts, dns, unresolved } = start()
    source.put(answer(['10.0.0.1', 'web']))
    const first = hosts()
    await vi.advanceTimersByTimeAsync(0)
    expect(await first).toEqual(['10.0.0.1'])
    expect(unresolved).toEqual(['web: system ENOTFOUND web'])
    dns.system.web = ['10.0.0.2']
    const second = hosts()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await second).toEqual(['10.0.0.1', '10.0.0.2'])
  })

  it('says which instances it left out, those of the source before it too, until they have addresses', async () => {
    const { source, watching, dns } = start()
    source.put({ ...answer(['10.0.0.1', 'web']), unresolved: [instance('source')] })
    const first = watching.next()
    await vi.advanceTimersByTimeAsync(0)
    expect((await first)?.unresolved).toEqual([instance('source'), instance('web')])
    dns.system.web = ['10.0.0.2']
    const second = watching.next()
    await vi.advanceTimersByTimeAsync(30_000)
    expect((await second)?.unresolved).toEqual([instance('source')])
    source.put(answer(['10.0.0.1']))
    expect(await watching.next()).not.toHaveProperty('unresolved')
  })

  it('does not turn a first answer whose names are all unknown into an empty list', async () => {
    const { source, hosts, dns } = start()
    source.put(answer(['web'], true))
    await vi.advanceTimersByTimeAsync(5000)
    dns.system.web = ['10.0.0.1']
    const first = hosts()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await first).toEqual(['10.0.0.1'])
  })

  it('lets later answers pass without slow new names, unless nothing would be left', async () => {
    const { source, hosts, dns } = start()
    source.put(answer(['10.0.0.1', '10.0.0.2']))
    expect(await hosts()).toEqual(['10.0.0.1', '10.0.0.2'])
    const slow = Promise.withResolvers<string[]>()
    dns.system.slow = slow.promise
    source.put(answer(['10.0.0.1', 'slow']))
    expect(await hosts()).toEqual(['10.0.0.1'])
    source.put(answer(['slow']))
    const last = hosts()
    await vi.advanceTimersByTimeAsync(0)
    slow.resolve(['10.0.0.3'])
    expect(await last).toEqual(['10.0.0.3'])
  })

  it('passes an empty list on', async () => {
    const { source, watching } = start()
    source.put(answer([]))
    expect(await watching.next()).toMatchObject({ instances: [] })
  })

  it('looks a name up once for all watches, and not any more when the last has ended', async () => {
    const { source, watching, follow, dns } = start()
    const other = follow()
    dns.system.web = ['10.0.0.1']
    for (const each of [source, other.source]) each.put(answer(['web']))
    const both = [watching.next(), other.watching.next()]
    await vi.advanceTimersByTimeAsync(0)
    await Promise.all(both)
    expect(dns.asked).toEqual(['system web'])
    await watching.stop()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(dns.asked).toHaveLength(2)
    await other.watching.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('knows the addresses at once when a watch begins again', async () => {
    const { source, watching, follow, dns } = start()
    dns.system.web = ['10.0.0.1']
    source.put(answer(['web']))
    const first = watching.next()
    await vi.advanceTimersByTimeAsync(0)
    await first
    await watching.stop()
    dns.system.web = 'EAI_AGAIN'
    await vi.advanceTimersByTimeAsync(3_600_000)
    const again = follow()
    again.source.put(answer(['web']))
    expect(await again.hosts()).toEqual(['10.0.0.1'])
  })

  it('hands on what there is and then the error when the source fails', async () => {
    const { source, watching, dns } = start()
    dns.system.slow = new Promise(() => {})
    source.put(answer(['10.0.0.1', 'slow']))
    await vi.advanceTimersByTimeAsync(0)
    source.fail(new Error('gone'))
    expect(await watching.next()).toMatchObject({ instances: [{ host: '10.0.0.1' }] })
    await expect(watching.next()).rejects.toThrow('gone')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends when the source ends', async () => {
    const { source, watching } = start()
    source.put(answer(['10.0.0.1']))
    source.end()
    expect(await watching.next()).toMatchObject({ instances: [{ host: '10.0.0.1' }] })
    expect(await watching.next()).toBeNull()
  })
})
