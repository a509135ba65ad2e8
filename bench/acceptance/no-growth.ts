import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Case, cases, oneRoute } from '../macro/cases.ts'
import { checkoutOf, tidegate } from '../macro/competitors/tidegate.ts'
import { planCpus, readAllowedCpus } from '../macro/cpus.ts'
import { countFailures } from '../macro/generators/contract.ts'
import { generators } from '../macro/generators/index.ts'
import { Processes } from '../macro/processes.ts'
import { slope } from '../macro/statistics.ts'
import { Stage } from '../macro/stage.ts'
import { subjectDirectory } from '../macro/subject.ts'
import { table } from '../markdown-table.ts'
import { collectedMemory, type Memory, observedFlags } from './observed-memory.ts'

/**
 * Whether memory grows with requests: many of them, each different from the one before, over connections that are opened anew now and
 * then. Memory is read in between, after garbage was collected; its growth is the slope of a line through all readings but the first
 * ones.
 *
 * node bench/acceptance/no-growth.ts [--requests 10000000] [--checkout DIR, default this one]
 */
const loadSeconds = 4
/** Growth per request, in bytes. Something kept for each would be tens of them at least. */
const bounds = { resident: 4, heap: 0.5, external: 0.5 } as const satisfies Record<keyof Memory, number>
const shownReadings = 20

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '10000000' }, checkout: { type: 'string' } },
})
const wanted = Number(values.requests)
/** Requests before memory is looked at: the compiler and the pools are still at work. */
const warmUpRequests = Math.max(wanted * 0.1, 500_000)

interface Reading extends Memory {
  /** Answered before it. */
  readonly requests: number
}

const measured: Case = cases.varied
const root = mkdtempSync(join(tmpdir(), 'tidegate-growth-'))
const processes = new Processes()
try {
  const competitor = tidegate({ nodeFlags: observedFlags, ...checkoutOf(values.checkout) })
  const stage = new Stage(measured, processes, root)
  const subject = await stage.start(competitor, oneRoute, planCpus(readAllowedCpus()))
  const { url, certificate, cpus, running } = subject
  const run = { url, certificate, cpus, load: measured.load, seconds: loadSeconds, rate: null }
  const directory = subjectDirectory(root, competitor, oneRoute)
  const readings: Reading[] = []
  let requests = 0
  let failed = 0
  while (requests < Math.max(wanted, warmUpRequests * 1.1)) {
    const result = await generators[measured.load.sending].run({ ...run, signal: new AbortController().signal })
    requests += result.requests
    failed += countFailures(result.failures)
    readings.push({ requests, ...(await collectedMemory(running.pid, directory)) })
  }
  const counted = readings.filter((reading) => reading.requests >= warmUpRequests)
  console.log(`${requests.toLocaleString('en')} requests, ${failed} failed; MiB after ${counted.length} collections`)
  const every = Math.ceil(counted.length / shownReadings)
  console.log(
    table(['requests', 'resident', 'heap', 'external'], counted.filter((_, i) => i % every === 0).map(cellsOf)),
  )
  let holds = failed === 0
  for (const [name, bound] of Object.entries(bounds) as [keyof Memory, number][]) {
    const perRequest = slope(counted.map((reading) => [reading.requests, reading[name]]))
    console.log(
      `${name}: ${perRequest.toFixed(3)} bytes per request, ${((perRequest * 1e6) / 1024 ** 2).toFixed(2)} MiB per million`,
    )
    if (perRequest <= bound) continue
    console.log(`missed: at most ${bound} bytes per request`)
    holds = false
  }
  process.exitCode = holds ? 0 : 1
} finally {
  await processes.stopAll()
  rmSync(root, { recursive: true, force: true })
}

function cellsOf({ requests, resident, heap, external }: Reading): string[] {
  return [requests.toLocaleString('en'), ...[resident, heap, external].map((bytes) => (bytes / 1024 ** 2).toFixed(1))]
}
