import { parseArgs } from 'node:util'
import { register } from '../../src/register.ts'
import { startInstances } from '../../test/support/instance.ts'
import { Traffic } from '../../test/support/traffic.ts'
import { table } from '../markdown-table.ts'
import { milliseconds, percentile } from './figures.ts'
import { consulToJoin, etcdToJoin } from './joined-registry.ts'
import { routedAfter } from './routed-after.ts'
import { closeAll, startGateway } from './stage.ts'

/**
 * How long after `register()` was called the gateway sends the instance its first request, under traffic, and how much of it the call takes;
 * another instance serves all the while.
 *
 * node bench/acceptance/register-to-routed.ts [--times 50]
 */
const boundMs = 200
const service = 'user-service'

const { values } = parseArgs({ options: { times: { type: 'string', default: '50' } } })
const rows: string[][] = []
let isMissed = false
for (const start of [consulToJoin, etcdToJoin]) {
  const closers: (() => Promise<void> | void)[] = []
  try {
    const registry = await start()
    closers.push(() => registry.end())
    const instances = await startInstances(service, 2)
    const [first, second = first] = instances
    closers.push(async () => void (await Promise.all(instances.map((instance) => instance.close()))))
    const join = ({ id, port }: typeof first) => {
      return register({
        name: service,
        id,
        port,
        address: '127.0.0.1',
        registry: registry.url,
        settle: 0,
        leaveOn: [],
      })
    }
    const joined = await join(first)
    closers.push(() => joined.leave())
    const { edgePort } = await startGateway(
      { discovery: { registry: registry.source }, routes: [{ path: '/', service }] },
      closers,
    )
    const traffic = new Traffic(edgePort, '/', 3)
    await routedAfter(first, -Infinity)
    const called: number[] = []
    const routed: number[] = []
    for (let i = 0; i < Number(values.times); i++) {
      const sinceMs = performance.now()
      const one = await join(second)
      called.push(performance.now() - sinceMs)
      routed.push(await routedAfter(second, sinceMs))
      await one.leave()
    }
    const { requests, failed } = await traffic.stop()
    rows.push([registry.name, 'register() resolved', ...milliseconds(called)])
    rows.push([registry.name, 'first request', ...milliseconds(routed)])
    console.log(`${registry.name}: ${requests} requests, ${failed.length} failed`)
    isMissed ||= !(percentile(routed, 0.99) <= boundMs) || failed.length > 0
  } finally {
    await closeAll(closers)
  }
}
console.log(`${values.times} times each; ms since register() was called`)
console.log(table(['registry', 'until', 'p50', 'p99', 'max'], rows))
if (isMissed) console.log(`missed: p99 over ${boundMs} ms, or failed requests`)
process.exitCode = isMissed ? 1 : 0
