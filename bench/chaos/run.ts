import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../macro/options.ts'
import { type EdgeName, edges } from './edges/index.ts'
import type { Fault } from './fault.ts'
import { faultNames } from './faults/index.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { isMissed, mergeRows, renderNotes, renderPage, renderTable, type Report, type Row } from './report.ts'
import { runFault, type Running } from './run-fault.ts'
import { World } from './world.ts'

/**
 * Strikes real processes with one fault after the other while requests keep coming, and says what was lost. Each fault has a
 * world of its own.
 *
 * npm run chaos -- --help
 */
const results = fileURLToPath(new URL('../results', import.meta.url))
const connections = 64
const warmUpMs = 1500
const beforeMs = 4000
const afterMs = 4000
const hangMs = 40_000

process.exitCode = await main(process.argv.slice(2))

/** Returns the exit code: 1 when something did not hold, 2 for bad options. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args)
    if (options.asksForHelp) {
      console.log(usage)
      return 0
    }
    return await strikeAll(options)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`chaos: ${error.message}`)
    return 2
  }
}

async function strikeAll(options: Options): Promise<number> {
  const rows: Row[] = []
  for (const fault of options.faults) {
    const others = fault.isCommon ? options.against : []
    for (const edge of ['tidegate', ...others] as const) {
      const row = await strike(fault, edge, options)
      console.log(`${renderTable([row])}\n${renderNotes([row])}`)
      rows.push(row)
    }
  }
  console.log(`\n${renderTable(rows)}`)
  if (options.writes) write(rows)
  return rows.some(isMissed) ? 1 : 0
}

async function strike(fault: Fault, edge: EdgeName, options: Options): Promise<Row> {
  const { name, does, holds } = fault
  const pace = { seconds: options.seconds ?? fault.pace.seconds, times: options.times ?? fault.pace.times }
  const { engine } = options
  const about = {
    fault: name,
    does,
    holds,
    edge: edge === 'tidegate' && engine === 'standard' ? 'tidegate standard' : edge,
    startedAt: new Date().toISOString(),
    loadAverageBefore: loadavg()[0] as number,
    ...pace,
  }
  const obstacle = edges[edge].available()
  if (obstacle !== null) return { ...about, version: '', obstacle, result: null }
  const version = edges[edge].version()
  const running: Running = {
    pace,
    connections,
    ratePerSecond: options.ratePerSecond,
    warmUpMs,
    beforeMs,
    afterMs,
    hangMs,
  }
  const world = await World.start({ ...fault.setting, edge, engine })
  const interrupted = () => void world.close().then(() => process.exit(130))
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    return { ...about, version, obstacle: null, result: await runFault(fault, world, running) }
  } catch (error) {
    console.error(`${name}, ${edge}: ${String(error)}\n${world.complaints}`)
    return { ...about, version, obstacle: null, result: null }
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    await world.close()
  }
}

/** Also what earlier runs found of other faults. */
function write(now: readonly Row[]): void {
  const file = join(results, 'chaos.json')
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report).rows : []
  const rows = mergeRows(before, now, faultNames)
  const report: Report = { cpuModel: cpus()[0]?.model ?? 'unknown', cpuCount: cpus().length, rows }
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
  writeFileSync(join(results, 'chaos.md'), renderPage(report))
  console.log('written to bench/results/chaos.json and chaos.md')
}
