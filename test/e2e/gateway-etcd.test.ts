import { expect, it, onTestFinished } from 'vitest'
import { etcdForTest } from '../support/etcd-stage.ts'
import { startTestGateway } from '../support/gateway.ts'
import { startInstances } from '../support/instance.ts'
import { Traffic } from '../support/traffic.ts'

const service = 'user-service'
const keyOf = (id: string) => `/micro/services/${service}/${id}`

async function stage() {
  const etcd = await etcdForTest()
  const instances = await startInstances(service, 3, { latencyMs: 4 })
  onTestFinished(async () => void (await Promise.all(instances.map((instance) => instance.close()))))
  const gateway = await startTestGateway({
    config: {
      discovery: { etcd: { type: 'etcd', endpoints: [etcd.address] } },
      stateDir: null,
      routes: [{ path: '/', service }],
    },
  })
  onTestFinished(async () => gateway.close())
  return { etcd, instances, gateway, ids: instances.map(({ id }) => id) }
}

it('follows the keys of etcd, and says which value it can not read', async () => {
  const { etcd, instances, gateway, ids } = await stage()
  for (const { id, port } of instances) await etcd.api.put(keyOf(id), `127.0.0.1:${port}`)
  await gateway.servedBy(service, '/', ids)
  await etcd.api.put(keyOf('broken'), 'nonsense')
  await etcd.api.delete(keyOf(instances[0].id))
  await gateway.servedBy(service, '/', ids.slice(1))
  expect(await gateway.timeline('skipped')).toMatchObject([
    { service, cause: `etcd has ${keyOf('broken')}, which is left out: "nonsense" has no port` },
  ])
  const { text } = await gateway.admin('/metrics')
  expect(text).toContain(`tidegate_discovery_skipped_total{source="etcd",service="${service}"} 1`)
})

it('costs no request when etcd is killed, comes back empty, and hears of the instances again', async () => {
  const { etcd, instances, gateway, ids } = await stage()
  for (const { id, port } of instances) await etcd.api.put(keyOf(id), `127.0.0.1:${port}`)
  await gateway.servedBy(service, '/', ids)
  const traffic = new Traffic(gateway.port(), '/', 4)
  await etcd.kill()
  await gateway.log.line('source-lost')
  await traffic.more(200)

  const after = await etcdForTest({ port: etcd.port })
  await gateway.log.line('source-back')
  await gateway.log.until('all held', () => gateway.endpoints(service).every(({ registry }) => registry === 'held'))
  await traffic.more(200)
  for (const { id, port } of instances) await after.api.put(keyOf(id), `127.0.0.1:${port}`)
  await gateway.log.until('all passing', () =>
    gateway.endpoints(service).every(({ registry }) => registry === 'passing'),
  )
  await after.api.delete(keyOf(instances[0].id))
  await gateway.servedBy(service, '/', ids.slice(1))
  expect((await traffic.stop()).failed).toEqual([])
})
