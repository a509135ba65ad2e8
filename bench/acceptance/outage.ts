import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Consul, startConsul } from '../../test/support/consul.ts'
import { HttpClient } from '../../test/support/http-client.ts'
import { startInstances } from '../../test/support/instance.ts'
import { deregister, register } from '../../test/support/registration.ts'
import { table } from '../markdown-table.ts'
import { milliseconds } from './figures.ts'
import { Stage } from './stage.ts'

/**
 * Traffic through a gateway whose Consul is killed, stays away, comes back empty on the same port, and gets its services registered
 * again: no request may fail. Afterwards the list has to follow Consul again.
 *
 * node bench/acceptance/outage.ts [--seconds 60]
 */
const service = 'user-service'
const connections = 8
const aroundMs = 5000
const registersAfterMs = 5000

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } })
const outageMs = Number(values.seconds) * 1000

interface Phase {
  readonly name: string
  readonly startedMs: number
  readonly delaysMs: number[]
  readonly failed: string[]
}

interface View {
  readonly endpoints: readonly { readonly id: string; readonly registry: string; readonly state: string }[]
}

const stage = await Stage.start([{ path: '/', service }])
try {
  // Instances that take some time, so that this process and the gateway are far from busy.
  const instances = await startInstances(service, 3, { latencyMs: 10 })
  for (const instance of instances) stage.onClose(async () => instance.close())
  const registerAll = async ({ api }: Consul) => {
    for (const instance of instances) await register(api, { service, instance, checks: ['http'] })
  }
  const words = async () => {
    const { endpoints } = await stage.admin<View>(`/api/v1/services/${service}`)
    return endpoints.map(({ registry }) => registry)
  }
  const untilAll = async (word: string, count: number) => {
    for (let now = await words(); now.length !== count || now.some((one) => one !== word); now = await words())
      await after(20)
  }
  const phases: Phase[] = []
  const enter = (name: string) => void phases.push({ name, startedMs: performance.now(), delaysMs: [], failed: [] })

  await registerAll(stage.consul)
  await untilAll('passing', instances.length)
  enter('Consul up')
  const stopping = new AbortController()
  const loops = Array.from({ length: connections }, async () =>
    ask(stage.edgePort, () => phases.at(-1), stopping.signal),
  )
  await after(aroundMs)
  enter('Consul killed')
  await stage.consul.kill()
  await after(outageMs)
  enter('back, empty')
  const consul = await startConsul({ httpPort: stage.consul.port })
  stage.onClose(async () => consul.kill())
  await after(registersAfterMs)
  enter('registered again')
  await registerAll(consul)
  await untilAll('passing', instances.length)
  enter('the list follows')
  await deregister(consul.api, instances[0])
  await untilAll('passing', instances.length - 1)
  await after(aroundMs)
  stopping.abort()
  await Promise.all(loops)

  const endedMs = performance.now()
  const rows = phases.map(({ name, startedMs, delaysMs, failed }, i) => {
    const seconds = ((phases[i + 1]?.startedMs ?? endedMs) - startedMs) / 1000
    return [name, seconds.toFixed(1), String(delaysMs.length), String(failed.length), ...milliseconds(delaysMs)]
  })
  console.log(`${connections} connections; instances answer after 10 ms; times in ms`)
  console.log(table(['phase', 'seconds', 'requests', 'failed', 'p50', 'p99', 'max'], rows))
  const failed = phases.flatMap((phase) => phase.failed.map((what) => `${phase.name}: ${what}`))
  for (const what of failed.slice(0, 5)) console.log(`failed: ${what}`)
  const { events } = await stage.admin<{ events: { type: string }[] }>('/api/v1/timeline?limit=1000')
  const story = events.toReversed().map(({ type }) => type)
  console.log(`timeline: ${story.join(' ')}`)
  process.exitCode = failed.length === 0 ? 0 : 1
} finally {
  await stage.close()
}

/** Requests one after the other, each counted for the phase in which it ended. */
async function ask(port: number, phase: () => Phase | undefined, stopping: AbortSignal): Promise<void> {
  const client = new HttpClient(port)
  while (!stopping.aborted) {
    const startedMs = performance.now()
    const failure = await client.get('/').then(
      ({ status, body }) => (status === 200 ? null : `${status} ${body}`),
      (error: unknown) => String(error),
    )
    const now = phase()
    now?.delaysMs.push(performance.now() - startedMs)
    if (failure !== null) now?.failed.push(failure)
  }
  client.close()
}
