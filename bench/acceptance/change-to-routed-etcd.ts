import { parseArgs } from 'node:util'
import { startEtcd } from '../../test/support/etcd.ts'
import { startInstances } from '../../test/support/instance.ts'
import { Traffic } from '../../test/support/traffic.ts'
import { table } from '../markdown-table.ts'
import { milliseconds, percentile } from './figures.ts'
import { goneAfter, routedAfter } from './routed-after.ts'
import { closeAll, startGateway } from './stage.ts'

/**
 * How long after a change in etcd the gateway's requests follow it, under traffic: three instances, the key of one of which goes
 * and comes back. A change counts from when the call that made it returned.
 *
 * node bench/acceptance/change-to-routed-etcd.ts [--changes 200]
 */
const boundMs = 50
const service = 'user-service'

const { values } = parseArgs({ options: { changes: { type: 'string', default: '200' } } })
const closers: (() => Promise<void> | void)[] = []
try {
  const etcd = await startEtcd()
  const { api, address } = etcd
  closers.push(async () => etcd.kill())
  const keyOf = (id: string) => `/micro/services/${service}/${id}`
  const instances = await startInstances(service, 3)
  const [subject] = instances
  for (const instance of instances) {
    closers.push(async () => instance.close())
    await api.put(keyOf(instance.id), `127.0.0.1:${instance.port}`)
  }
  const discovery = { etcd: { type: 'etcd', endpoints: [address] } }
  const { edgePort } = await startGateway({ discovery, routes: [{ path: '/', service }] }, closers)
  const traffic = new Traffic(edgePort, '/', 3)
  for (const instance of instances) await routedAfter(instance, -Infinity)

  const rows = { 'key deleted': [] as number[], 'key put': [] as number[] }
  for (let i = 0; i < Number(values.changes); i++) {
    await api.delete(keyOf(subject.id))
    rows['key deleted'].push(await goneAfter(subject, performance.now()))
    await api.put(keyOf(subject.id), `127.0.0.1:${subject.port}`)
    rows['key put'].push(await routedAfter(subject, performance.now()))
  }
  const { requests, failed } = await traffic.stop()

  console.log(
    `${values.changes} changes each, 3 connections asking without pause; ms from the change to the first request there, or the last`,
  )
  const all = Object.entries(rows)
  console.log(
    table(
      ['change', 'p50', 'p99', 'max'],
      all.map(([change, delaysMs]) => [change, ...milliseconds(delaysMs)]),
    ),
  )
  const missed = all.filter(([, delaysMs]) => !(percentile(delaysMs, 0.99) <= boundMs))
  for (const [change] of missed) console.log(`missed: ${change} takes more than ${boundMs} ms`)
  console.log(`${requests} requests, ${failed.length} failed${failed.length > 0 ? `, the first: ${failed[0]}` : ''}`)
  process.exitCode = missed.length === 0 && failed.length === 0 ? 0 : 1
} finally {
  await closeAll(closers)
}
