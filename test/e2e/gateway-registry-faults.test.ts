import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createRegistry, type Registry } from '../../src/index.ts'
import { consulApi, type ConsulApi } from '../support/consul-api.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { register, registerAll } from '../support/registration.ts'

const service = 'user-service'

describe('a gateway over the embedded registry', () => {
  let registry: Registry
  let api: ConsulApi
  let gateway: TestGateway
  let instances: readonly [Instance, ...Instance[]]

  beforeEach(async () => {
    instances = await startInstances(service, 2)
    registry = createRegistry({ port: 0 })
    const { address } = await registry.start()
    api = consulApi(address)
    await registerAll(api, service, instances)
    gateway = await startTestGateway({
      config: { discovery: { consul: { type: 'consul', address } }, routes: [{ path: '/', service }] },
    })
    onTestFinished(async () => {
      await gateway.close()
      await registry.close()
      await Promise.all(instances.map((instance) => instance.close()))
    })
    await served()
  })

  const served = () =>
    gateway.servedBy(
      service,
      '/',
      instances.map(({ id }) => id),
    )
  const words = () => gateway.endpoints(service).map(({ registry: word }) => word)

  it('holds what lives when the registry forgets, until it registers again', async () => {
    registry.fault({ forget: true })
    await gateway.log.until('both held', () => words().join() === 'held,held')
    await served()
    await register(api, { service, instance: instances[0] })
    await gateway.log.until('one known again', () => words().toSorted().join() === 'held,passing')
    await served()
    expect((await gateway.timeline('held', 'released', 'removed')).map(({ type }) => type)).toEqual([
      'held',
      'held',
      'released',
    ])
  })

  it('sees nothing amiss in an index that is reset', async () => {
    registry.fault({ resetIndex: true })
    await register(api, { service, instance: { id: 'third', port: instances[0].port } })
    await gateway.log.until('the third', () => words().join() === 'passing,passing,passing')
    expect(await gateway.timeline('held', 'removed', 'source-lost')).toEqual([])
  })

  it('serves what it knows while the registry fails, and follows it when it is well', async () => {
    const undo = registry.fault({ status: 500, body: 'No cluster leader' })
    registry.fault({ dropConnections: true })
    const lost = await gateway.log.line('source-lost')
    await served()
    undo()
    await gateway.log.line('source-back')
    await served()
    expect(JSON.stringify(lost)).toContain(service)
    expect(await gateway.timeline('held', 'removed')).toEqual([])
  })

  it('serves through the loss of the leader without noticing: it takes stale answers', async () => {
    const undo = registry.fault({ leaderless: true })
    // Which ends the query that waits: the next is asked without a leader.
    registry.fault({ resetIndex: true })
    await register(api, { service, instance: { id: 'third', port: instances[0].port } })
    await served()
    undo()
    await gateway.log.until('the third', () => words().length === 3)
    expect(await gateway.timeline('source-lost')).toEqual([])
  })
})
