import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { consul } from '../../src/discovery/consul/source.ts'
import type { Fault } from '../../src/registry/faults/fault.ts'
import { createRegistry, type Registry } from '../../src/registry/registry.ts'
import { seededRandom } from '../../src/util/random.ts'
import { consulApi, type ConsulApi } from '../support/consul-api.ts'
import {
  consulOptions,
  loopbackAuthority,
  loopbackCertificate,
  lineReadings,
  readings,
  trustingTls,
} from '../support/consul-discovery.ts'
import { watch } from '../support/watching.ts'

/** What a registry suffers, as opposed to what it says: that is in discovery-faults.test.ts. */
describe.each([...readings, ...lineReadings])('consul with $mode, of the embedded registry', ({ limits, isSecure }) => {
  let registry: Registry
  let address: string
  let api: ConsulApi

  beforeEach(async () => {
    registry = createRegistry({ port: 0, ...(isSecure && { tls: loopbackCertificate }) })
    ;({ address } = await registry.start())
    api = consulApi(address, isSecure ? loopbackAuthority.cert : undefined)
    await register('web-1')
  })

  afterEach(async () => registry.close())

  const register = async (ID: string) => api('PUT', '/v1/agent/service/register', { Name: 'web', ID, Port: 80 })

  /** Another gateway that watches `web`. */
  function startWatching(answerTimeoutMs = 5000) {
    const discovery = consul(
      consulOptions({ address, tls: isSecure ? trustingTls : null }),
      { random: seededRandom(1), onSkipped: () => {} },
      { ...limits, answerTimeoutMs },
    )
    onTestFinished(async () => discovery.close())
    return watch(discovery, 'web')
  }

  it('is told the same list, which may have forgotten, when the index is reset', async () => {
    const watching = startWatching()
    const before = await watching.next()
    expect(before).toMatchObject({ mayHaveForgotten: false, instances: [{ id: 'web-1' }] })
    registry.fault({ resetIndex: true })
    const after = await watching.next()
    expect(after).toMatchObject({ position: 1, mayHaveForgotten: true, instances: [{ id: 'web-1' }] })
    await register('web-2')
    await watching.until(({ instances }) => instances.length === 2)
  })

  it('is told an empty list, which may have forgotten, when the registry has', async () => {
    const watching = startWatching()
    await watching.next()
    registry.fault({ forget: true })
    expect(await watching.next()).toMatchObject({ mayHaveForgotten: true, instances: [] })
  })

  it('goes on without a leader, with what is known, and follows again when there is one', async () => {
    const undo = registry.fault({ leaderless: true })
    await register('web-2')
    const watching = startWatching()
    expect(await watching.next()).toMatchObject({ instances: [{ id: 'web-1' }] })
    undo()
    await watching.until(({ instances }) => instances.length === 2)
  })

  it.each<[name: string, fault: Fault, code: string]>([
    ['answers with errors', { status: 500, body: 'No cluster leader' }, 'status'],
    ['answers with half of the body', { cut: 'body' }, 'unreachable'],
    ['answers nothing', { cut: 'head' }, 'unreachable'],
    ['is slow', { delayMs: 600_000 }, 'timeout'],
  ])(
    'fails while the registry %s, never with an empty list, and finds all of it afterwards',
    async (_, fault, code) => {
      const watching = startWatching(200)
      await watching.next()
      const undo = registry.fault(fault)
      registry.fault({ dropConnections: true })
      // The query that waited is cut, whatever comes then.
      await expect(watching.next()).rejects.toMatchObject({ name: 'DiscoveryError' })
      await expect(startWatching(200).next()).rejects.toMatchObject({ name: 'DiscoveryError', code })
      undo()
      expect(await startWatching(5000).next()).toMatchObject({ instances: [{ id: 'web-1' }] })
    },
  )
})
