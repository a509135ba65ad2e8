import { getEventListeners } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createConsulClient } from '../../../../src/discovery/consul/client.ts'
import { H2Connection } from '../../../../src/discovery/consul/multiplexed/h2-connection.ts'
import { type ConsulLimits, consulLimits } from '../../../../src/discovery/consul/options.ts'
import { SentRows } from '../../../../src/discovery/consul/sent-rows.ts'
import { consul } from '../../../../src/discovery/consul/source.ts'
import { DiscoveryError } from '../../../../src/discovery/contract.ts'
import { seededRandom } from '../../../../src/util/random.ts'
import { consulOptions, loopbackCertificate, trustingTls } from '../../../support/consul-discovery.ts'
import { startMovingAgent } from '../../../support/moving-agent.ts'
import { type Script, serviceRow, startScriptedRegistry } from '../../../support/scripted-registry.ts'
import { watch } from '../../../support/watching.ts'

const oneFirst: ConsulLimits = { ...consulLimits, multiplexed: { ...consulLimits.multiplexed, maxFirstReads: 1 } }

function openClient(address: string) {
  const client = createConsulClient(consulOptions({ address, tls: trustingTls }), oneFirst, () => {})
  onTestFinished(() => client.close())
  return client
}

async function openSource(script: Script) {
  const registry = await startScriptedRegistry(script, loopbackCertificate)
  onTestFinished(async () => registry.close())
  const context = { random: seededRandom(1), onSkipped: () => {} }
  const source = consul(consulOptions({ address: registry.address, tls: trustingTls }), context, oneFirst)
  onTestFinished(async () => source.close())
  return source
}

/** What the agent says of `web`, one answer after the other; then it waits. */
function saying(...answers: readonly (readonly unknown[])[]): Script {
  return ({ index }) => {
    const said = Number(index)
    return said >= answers.length ? 'hang' : { index: said + 1, body: answers[said] }
  }
}

const refusingOnce: Script = (_, count) => (count === 1 ? { status: 500, body: 'no leader' } : { index: 7 })

const atOnce = () => ({ index: null, signal: new AbortController().signal })

describe('a query over HTTP/2', () => {
  it('hands on the rows of a service as they were sent', async () => {
    const { registry } = await startMovingAgent()
    const isSent = openClient(registry.address).service('web')(atOnce(), ({ body }) => body instanceof SentRows)
    expect(await isSent).toBe(true)
  })

  it('leaves nothing on the signal of its watch, answered or not', async () => {
    const { agent, registry } = await startMovingAgent()
    const client = openClient(registry.address)
    const { signal } = new AbortController()
    await client.service('web')({ index: null, signal }, () => null)
    expect(getEventListeners(signal, 'abort')).toEqual([])
    const waiting = client.service('web')({ index: 1, signal }, () => null)
    await agent.untilWaiting(1)
    agent.move()
    await waiting
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('leaves its place when it is aborted, and when what takes its answer throws', async () => {
    const { registry } = await startMovingAgent()
    const ask = openClient(registry.address).service('web')
    await expect(ask({ index: null, signal: AbortSignal.abort() }, () => null)).rejects.toThrow(DiscoveryError)
    const stop = new AbortController()
    const stopped = ask({ index: null, signal: stop.signal }, () => null)
    stop.abort()
    await expect(stopped).rejects.toThrow(DiscoveryError)
    const thrown = ask(atOnce(), () => {
      throw new RangeError('not taken')
    })
    await expect(thrown).rejects.toThrow('not taken')
    expect(await ask(atOnce(), ({ index }) => index)).toBe(1)
  })

  it('leaves its place when its answer is refused', async () => {
    const registry = await startScriptedRegistry(refusingOnce, loopbackCertificate)
    onTestFinished(async () => registry.close())
    const ask = openClient(registry.address).service('web')
    await expect(ask(atOnce(), () => null)).rejects.toThrow('no leader')
    expect(await ask(atOnce(), ({ index }) => index)).toBe(7)
  })

  it('leaves its place when it can not be sent', async () => {
    const { registry } = await startMovingAgent()
    const ask = openClient(registry.address).service('web')
    await ask(atOnce(), () => null)
    // As Node 22 does where the connection has just gone.
    const sending = vi.spyOn(H2Connection.prototype, 'ask').mockImplementationOnce(() => {
      throw new Error('the session is destroyed')
    })
    onTestFinished(() => sending.mockRestore())
    await expect(ask(atOnce(), () => null)).rejects.toThrow(DiscoveryError)
    expect(await ask(atOnce(), ({ index }) => index)).toBe(1)
  })

  it('is asked for in the order of those who wait for a place', async () => {
    const { agent, registry } = await startMovingAgent()
    const client = openClient(registry.address)
    await client.service('before')(atOnce(), () => null)
    const asked = ['a', 'b', 'c'].map(async (name) => client.service(name)(atOnce(), () => null))
    await asked[0]
    const late = client.service('late')(atOnce(), () => null)
    await Promise.all([...asked, late])
    const names = agent.requests.map(({ path }) => path.split('/').at(-1))
    expect(names).toEqual(['before', 'a', 'b', 'c', 'late'])
  })

  it('of a name that no URL can say finds nobody, and keeps no place', async () => {
    const { registry } = await startMovingAgent()
    const client = openClient(registry.address)
    for (const name of ['bad\ud800', 'worse\udc00']) await client.service(name)(atOnce(), () => null)
    expect(await client.service('good')(atOnce(), ({ index }) => index)).toBe(1)
  })

  it('rejects when its source is closed, in the same turn as well', async () => {
    const { registry } = await startMovingAgent()
    const client = openClient(registry.address)
    await client.service('web')(atOnce(), () => null)
    client.close()
    await expect(client.service('web')(atOnce(), () => null)).rejects.toThrow('the source was closed')
  })
})

describe('a watch over HTTP/2', () => {
  it('keeps the object of an instance while its row is sent as it was, and parses only the others', async () => {
    const [a, b] = [serviceRow({ id: 'a' }), serviceRow({ id: 'b' })]
    const changed = serviceRow({ id: 'b', service: { Port: 81 } })
    const parse = vi.spyOn(SentRows.prototype, 'parse')
    onTestFinished(() => parse.mockRestore())
    const watching = watch(await openSource(saying([a, b], [a, changed])), 'web')
    const before = await watching.next()
    const after = await watching.next()
    expect(after?.instances.map(({ port }) => port)).toEqual([80, 81])
    expect(after?.instances[0]).toBe(before?.instances[0])
    expect(parse.mock.calls).toEqual([[0], [1], [1]])
  })

  it('that begins after its source was closed ends at once', async () => {
    const source = await openSource(saying([]))
    await source.close()
    expect(await watch(source, 'web').next()).toBeNull()
  })
})
