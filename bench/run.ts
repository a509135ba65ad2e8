import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Case, cases, type CaseName } from './macro/cases.ts'
import type { Competitor } from './macro/competitor.ts'
import { competitors } from './macro/competitors/index.ts'
import { otherCheckout } from './macro/competitors/tidegate.ts'
import { readAllowedCpus } from './macro/cpus.ts'
import { estimateSeconds, sayDuration } from './macro/estimate.ts'
import { describeMachine, isQuiet, type Machine } from './macro/machine.ts'
import { parseOptions, usage, UsageError, type Options } from './macro/options.ts'
import { readMicrosPerTick } from './macro/procfs.ts'
import { profileCase } from './macro/profile.ts'
import { replaceBetweenMarkers } from './macro/readme.ts'
import { choose, installPackages, missingCommands } from './macro/requirements.ts'
import { type CaseResult, resultFormat } from './macro/result.ts'
import { planFor, runCase } from './macro/run-case.ts'
import { keepResult, newestResults } from './macro/store.ts'
import { renderPage, renderSummary } from './macro/summary.ts'
import { renderCase } from './macro/table.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
/** Figures of record, and those of a try, which git does not see. */
const results = join(here, 'results')
const tries = join(results, 'tries')
const readme = join(here, '../README.md')
const profiledFunctions = 25

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
    const missing = missingCommands(options.cases.map((name) => cases[name]))
    if (missing.length > 0) throw new UsageError(`not installed: ${missing.join(', ')}; run bench/setup.sh`)
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
  const allowed = readAllowedCpus()
  const machine = describeMachine(allowed)
  if (!isQuiet(machine)) {
    console.log(`others use this machine (load average ${machine.loadAverageBefore.toFixed(2)}): trust ratios only`)
  }
  const { present: chosen, absent } = choose(competitors, options.competitors)
  const present = options.against === null ? chosen : withOther(chosen, options.against)
  for (const { competitor, reason } of absent) console.log(`without ${competitor}: ${reason}`)
  const comparison = { options, allowed, machine, present, absent, microsPerTick: readMicrosPerTick(), signal }
  const names = present.map(({ name }) => name)
  const secondsOf = (name: CaseName) => estimateSeconds(cases[name], names, options)
  let leftSeconds = options.cases.reduce((sum, name) => sum + secondsOf(name), 0)
  let isValid = true
  for (const [index, name] of options.cases.entries()) {
    console.log(`\ncase ${index + 1} of ${options.cases.length}; about ${sayDuration(leftSeconds)} to go`)
    const result = await compareCase(name, comparison)
    leftSeconds -= secondsOf(name)
    isValid &&= result.rows.every(({ problem }) => problem === null)
    const file = keepResult(options.writesReadme ? results : tries, result)
    console.log(`\n${renderCase(result)}\n\nwritten to ${relative(process.cwd(), file)}`)
    // After each: what an interrupted run measured is not lost.
    if (options.writesReadme) writePages()
  }
  return isValid ? 0 : 1
}

/** The other checkout is measured right after this one. */
function withOther(chosen: readonly Competitor[], against: string): Competitor[] {
  const own = chosen.findIndex(({ name }) => name === 'tidegate')
  try {
    return chosen.toSpliced(own + 1, 0, otherCheckout(against))
  } catch (error) {
    throw new UsageError(`--against: ${error instanceof Error ? error.message : String(error)}`)
  }
}

interface Comparison {
  readonly options: Options
  readonly allowed: readonly number[]
  readonly machine: Machine
  readonly present: readonly Competitor[]
  readonly absent: CaseResult['absent']
  readonly microsPerTick: number
  readonly signal: AbortSignal
}

async function compareCase(name: CaseName, comparison: Comparison): Promise<CaseResult> {
  const { options, allowed, machine, present, absent, microsPerTick, signal } = comparison
  const measured: Case = cases[name]
  const { title, figure, load, shapes } = measured
  const { rounds, seconds } = options
  const startedAt = new Date().toISOString()
  console.log(`${name}: ${title}; connections: ${load.connections}`)
  for (const threads of new Set(shapes.map((shape) => shape.threads))) {
    const plan = planFor(measured, threads, allowed)
    console.log(
      `  ${threads === 1 ? 'one thread' : 'two threads'}: proxy on CPU ${plan.proxy}, the rest on ${plan.rest}`,
    )
  }
  const rows = await runCase(measured, {
    competitors: present,
    rounds,
    seconds,
    allowed,
    microsPerTick,
    signal,
    tell: (line) => console.log(line),
  })
  const connections = load.connections
  const about = { case: name, title, figure, startedAt, connections, rounds, seconds, machine }
  return { format: resultFormat, ...about, rows, absent: absent.filter(({ competitor }) => takesPart(competitor)) }

  function takesPart(competitor: string): boolean {
    return measured.competitors.includes(competitor)
  }
}

async function profileAll({ cases: names, seconds }: Options, signal: AbortSignal): Promise<number> {
  const profiling = { seconds, allowed: readAllowedCpus(), microsPerTick: readMicrosPerTick(), signal }
  mkdirSync(tries, { recursive: true })
  for (const name of names) {
    const file = join(tries, `${name}.cpuprofile`)
    const { functions, requestsPerSecond } = await profileCase(name, file, profiling)
    console.log(`${name}: self time of the busiest thread, at ${Math.round(requestsPerSecond)} requests/s`)
    for (const { name: label, percent } of functions.slice(0, profiledFunctions)) {
      console.log(`${percent.toFixed(1).padStart(6)} %  ${label}`)
    }
    console.log(`written to ${relative(process.cwd(), file)}\n`)
  }
  return 0
}

/** The newest results of all cases, those of earlier runs included. */
function writePages(): void {
  const newest = newestResults(results)
  const page = replaceBetweenMarkers(readFileSync(readme, 'utf8'), renderSummary(newest))
  if (page === null) throw new UsageError('README.md has no <!-- bench:start --> followed by <!-- bench:end -->')
  writeFileSync(readme, page)
  writeFileSync(join(results, 'README.md'), renderPage(newest))
  console.log('written to README.md and bench/results/README.md')
}
