import { parseArgs } from 'node:util'
import type { ConsulApi } from '../../test/support/consul-api.ts'
import { type Instance, startInstances } from '../../test/support/instance.ts'
import { deregister, register, setCheck, setMaintenance } from '../../test/support/registration.ts'
import { Traffic } from '../../test/support/traffic.ts'
import { table } from '../markdown-table.ts'
import { milliseconds, percentile } from './figures.ts'
import { goneAfter, routedAfter } from './routed-after.ts'
import { Stage } from './stage.ts'

/**
 * How long after a change in Consul the gateway's requests follow it, under traffic: three instances with HTTP checks and TTL
 * checks, one of which changes. A change counts from when the call that made it returned; one that an HTTP check made, from when
 * a blocking query beside the gateway's showed it.
 *
 * node bench/acceptance/change-to-routed.ts [--changes 50]
 */
const boundMs = 100
const service = 'user-service'

const { values } = parseArgs({ options: { changes: { type: 'string', default: '50' } } })
const changes = Number(values.changes)

const stage = await Stage.start([{ path: '/', service }])
try {
  const instances = await startInstances(service, 3)
  for (const instance of instances) {
    stage.onClose(async () => instance.close())
    await register(stage.consul.api, { service, instance, checks: ['http', 'ttl'] })
    await setCheck(stage.consul.api, instance, 'pass')
  }
  await stage.ready()
  for (const { id } of instances) await statusSeen(stage.consul.api, id, 'passing')
  const traffic = new Traffic(stage.edgePort, '/', 3)
  for (const instance of instances) await routedAfter(instance, -Infinity)
  const rows = await measure(stage.consul.api, instances[0])
  const { requests, failed } = await traffic.stop()

  console.log(
    `${changes} changes each, 3 connections asking without pause; ms from the change to the first request there, or the last`,
  )
  console.log(
    table(
      ['change', 'p50', 'p99', 'max'],
      rows.map(({ change, delaysMs }) => [change, ...milliseconds(delaysMs)]),
    ),
  )
  const missed = rows.filter(({ delaysMs }) => !(percentile(delaysMs, 0.99) <= boundMs))
  for (const { change } of missed) console.log(`missed: ${change} takes more than ${boundMs} ms`)
  console.log(`${requests} requests, ${failed.length} failed${failed.length > 0 ? `, the first: ${failed[0]}` : ''}`)
  process.exitCode = missed.length === 0 && failed.length === 0 ? 0 : 1
} finally {
  await stage.close()
}

interface Row {
  readonly change: string
  readonly delaysMs: number[]
}

async function measure(consul: ConsulApi, subject: Instance): Promise<Row[]> {
  const rows = new Map<string, Row>()
  const measured = async (change: string, make: () => Promise<void>, seen: typeof routedAfter) => {
    const row = rows.get(change) ?? { change, delaysMs: [] }
    rows.set(change, row)
    await make()
    row.delaysMs.push(await seen(subject, performance.now()))
  }
  for (let i = 0; i < changes; i++) {
    await measured('TTL check fails: critical', async () => setCheck(consul, subject, 'fail'), goneAfter)
    await measured('TTL check passes', async () => setCheck(consul, subject, 'pass'), routedAfter)
    await measured('maintenance', async () => setMaintenance(consul, subject, true), goneAfter)
    await measured('maintenance over', async () => setMaintenance(consul, subject, false), routedAfter)
    await measured('deregistered', async () => deregister(consul, subject), goneAfter)
    await measured('registered', async () => register(consul, { service, instance: subject }), routedAfter)
    await register(consul, { service, instance: subject, checks: ['http', 'ttl'] })
    await setCheck(consul, subject, 'pass')
    await statusSeen(consul, subject.id, 'passing')
    await measured('HTTP check fails: critical', async () => turn(consul, subject, false), goneAfter)
    await measured('HTTP check passes', async () => turn(consul, subject, true), routedAfter)
  }
  return [...rows.values()]
}

async function turn(consul: ConsulApi, instance: Instance, isHealthy: boolean): Promise<void> {
  instance.isHealthy = isHealthy
  await statusSeen(consul, instance.id, isHealthy ? 'passing' : 'critical')
}

interface HealthRow {
  readonly Service: { readonly ID: string }
  readonly Checks: readonly { readonly Status: string }[]
}

/** Resolves when a blocking query of our own shows the instance so. */
async function statusSeen(consul: ConsulApi, id: string, status: 'passing' | 'critical'): Promise<void> {
  for (let index = '0'; ;) {
    const { json, headers } = await consul<HealthRow[]>(
      'GET',
      `/v1/health/service/${service}?stale&wait=10s&index=${index}`,
    )
    index = headers.get('x-consul-index') ?? '0'
    const checks = json?.find(({ Service }) => Service.ID === id)?.Checks ?? []
    const isCritical = checks.some((check) => check.Status === 'critical')
    if (checks.length > 0 && isCritical === (status === 'critical')) return
  }
}
