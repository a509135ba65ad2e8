import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cases, type CaseName } from './macro/cases.ts'
import { competitors } from './macro/competitors/index.ts'
import { readCpuPlan, type CpuPlan } from './macro/cpus.ts'
import { describeMachine, type Machine } from './macro/machine.ts'
import { parseOptions, usage, UsageError, type Options } from './macro/options.ts'
import { readMicrosPerTick } from './macro/procfs.ts'
import { profileCase } from './macro/profile.ts'
import { replaceBetweenMarkers } from './macro/readme.ts'
import { choose, installPackages, missingCommands } from './macro/requirements.ts'
import type { CaseResult } from './macro/result.ts'
import { runCase } from './macro/run-case.ts'
import { renderCase } from './macro/table.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const results = join(here, 'results')
const readme = join(here, '../README.md')
const profiledFunctions = 25
/** Load average of a machine that nobody else uses. */
const quietLoad = 0.3

process.exitCode = await main(process.argv.slice(2))

/** Returns the exit code: 1 when any row is invalid, 2 for bad options, 130 when interrupted. */
async function main(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController()
  // Once: a second Ctrl-C ends the bench at once, and leaves to the terminal what still runs.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => interrupt.abort())
  try {
    const options = parseOptions(args)
    if (options.asksForHelp) {
      console.log(usage)
      return 0
    }
    const missing = missingCommands()
    if (missing.length > 0) throw new UsageError(`not installed: ${missing.join(', ')}; run bench/setup.sh`)
    mkdirSync(results, { recursive: true })
    return options.profiles ? await profileAll(options, interrupt.signal) : await compareAll(options, interrupt.signal)
  } catch (error) {
    if (interrupt.signal.aborted) return 130
    if (!(error instanceof UsageError)) throw error
    console.error(`bench: ${error.message}`)
    return 2
  }
}

async function compareAll(options: Options, signal: AbortSignal): Promise<number> {
  if (!installPackages(here)) console.log('the competitors of the npm registry could not be installed')
  const cpus = readCpuPlan()
  const machine = describeMachine(cpus)
  if (machine.loadAverageBefore > quietLoad) {
    console.log(`others use this machine (load average ${machine.loadAverageBefore.toFixed(2)}): trust ratios only`)
  }
  const microsPerTick = readMicrosPerTick()
  const finished: CaseResult[] = []
  for (const name of options.cases) {
    const result = await compareCase(name, { options, cpus, machine, microsPerTick, signal })
    finished.push(result)
    const file = resultFile(name, 'json')
    writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
    console.log(`\n${renderCase(result)}\n\nwritten to ${relative(process.cwd(), file)}\n`)
  }
  if (options.writesReadme) writeReadme(finished)
  return finished.some(({ rows }) => rows.some(({ problem }) => problem !== null)) ? 1 : 0
}

interface Comparison {
  readonly options: Options
  readonly cpus: CpuPlan
  readonly machine: Machine
  readonly microsPerTick: number
  readonly signal: AbortSignal
}

async function compareCase(name: CaseName, { options, machine, ...measuring }: Comparison): Promise<CaseResult> {
  const { title, load } = cases[name]
  const { rounds, seconds } = options
  const { present, absent } = choose(competitors, options.competitors)
  const { cpus } = measuring
  const startedAt = new Date().toISOString()
  console.log(
    `${name}: ${title}; connections: ${load.connections}; proxies on CPU ${cpus.proxy}, the rest on ${cpus.rest}`,
  )
  for (const { competitor, reason } of absent) console.log(`  without ${competitor}: ${reason}`)
  const rows = await runCase(name, {
    ...measuring,
    competitors: present,
    rounds,
    seconds,
    tell: (line) => console.log(line),
  })
  return { case: name, title, startedAt, connections: load.connections, rounds, seconds, machine, rows, absent }
}

async function profileAll({ cases: names, seconds }: Options, signal: AbortSignal): Promise<number> {
  const cpus = readCpuPlan()
  for (const name of names) {
    const file = resultFile(name, 'cpuprofile')
    const measuring = { seconds, cpus, microsPerTick: readMicrosPerTick(), signal }
    const { functions, requestsPerSecond } = await profileCase(name, file, measuring)
    console.log(`${name}: self time of the busiest thread, at ${Math.round(requestsPerSecond)} requests/s`)
    for (const { name: label, percent } of functions.slice(0, profiledFunctions)) {
      console.log(`${percent.toFixed(1).padStart(6)} %  ${label}`)
    }
    console.log(`written to ${relative(process.cwd(), file)}\n`)
  }
  return 0
}

function writeReadme(finished: readonly CaseResult[]): void {
  const page = replaceBetweenMarkers(readFileSync(readme, 'utf8'), finished.map(renderCase).join('\n\n'))
  if (page === null) throw new UsageError('README.md has no <!-- bench:start --> followed by <!-- bench:end -->')
  writeFileSync(readme, page)
  console.log('written to README.md')
}

function resultFile(name: CaseName, extension: string): string {
  return join(results, `${new Date().toISOString().slice(0, 10)}-${name}.${extension}`)
}
