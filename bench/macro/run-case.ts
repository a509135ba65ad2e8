import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cases, type Case, type CaseName, type Shape } from './cases.ts'
import type { Competitor } from './competitor.ts'
import { measure, type Measuring } from './measure.ts'
import { startOrigin } from './origin.ts'
import { Processes } from './processes.ts'
import { usageOf } from './procfs.ts'
import type { Round, Row } from './result.ts'
import { compare, type Measured } from './rows.ts'
import { measuredPrefix, startSubject, subjectDirectory, type Subject } from './subject.ts'

export interface CaseRun extends Omit<Measuring, 'load'> {
  /** Those that are available. */
  readonly competitors: readonly Competitor[]
  readonly rounds: number
  /** Takes a line whenever there is something to tell. */
  readonly tell: (line: string) => void
}

/** A subject as far as it came. */
interface Entry {
  readonly competitor: Competitor
  /** Asked for before anything starts: a checkout may change meanwhile. */
  readonly version: string
  readonly shape: Shape
  readonly label: string
  readonly rounds: Round[]
  subject: Subject | null
  peakBytes: number
  problem: string | null
}

/**
 * Starts the origin and every competitor, measures them in turn (A B C, A B C …) and stops them all, also when it is
 * aborted. A competitor that fails is out of the later rounds; the others go on.
 */
export async function runCase(name: CaseName, run: CaseRun): Promise<Row[]> {
  const measured: Case = cases[name]
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-bench-'))
  const processes = new Processes()
  const entries = listEntries(measured, run.competitors)
  try {
    await startAll(entries, { measured, run, directory, processes })
    for (const entry of entries) await takeRound(entry, { ...run, load: measured.load, seconds: 1 })
    for (const entry of entries) entry.rounds.length = 0
    for (let round = 1; round <= run.rounds; round++) {
      for (const entry of entries) {
        const taken = await takeRound(entry, { ...run, load: measured.load })
        run.tell(`  round ${round}/${run.rounds}  ${entry.label.padEnd(20)} ${taken ?? `out: ${entry.problem}`}`)
      }
    }
    return compare(entries.map(settled))
  } finally {
    await processes.stopAll()
    rmSync(directory, { recursive: true, force: true })
  }
}

function listEntries({ shapes, competitors: able }: Case, competitors: readonly Competitor[]): Entry[] {
  return shapes.flatMap((shape) =>
    competitors
      .filter(({ name }) => able === null || able.includes(name))
      .map((competitor) => {
        const label =
          shapes.length === 1 ? competitor.name : `${competitor.name} ${shape.routes}×${shape.instancesPerRoute}`
        return {
          competitor,
          version: competitor.version(),
          shape,
          label,
          rounds: [],
          subject: null,
          peakBytes: 0,
          problem: null,
        }
      }),
  )
}

interface Stage {
  readonly measured: Case
  readonly run: CaseRun
  readonly directory: string
  readonly processes: Processes
}

async function startAll(entries: readonly Entry[], { measured, run, directory, processes }: Stage): Promise<void> {
  const { cpus, signal } = run
  const origin = await startOrigin(processes, {
    cpus,
    directory: join(directory, 'origin'),
    addressCount: Math.max(...measured.shapes.map(({ instancesPerRoute }) => instancesPerRoute)),
    prefixes: measured.shapes.map(measuredPrefix),
  })
  for (const entry of entries) {
    signal.throwIfAborted()
    const { competitor, shape } = entry
    const place = subjectDirectory(directory, competitor, shape)
    const parameters = { competitor, shape, measured, origins: origin.addresses, directory: place, processes, cpus }
    entry.subject = await startSubject(parameters).catch((error: Error) => {
      entry.problem = error.message
      return null
    })
  }
}

/** Returns a line about it, or null when the entry is out. */
async function takeRound(entry: Entry, measuring: Measuring): Promise<string | null> {
  measuring.signal.throwIfAborted()
  if (entry.subject === null || entry.problem !== null) return null
  try {
    const round = await measure(entry.subject, measuring)
    entry.rounds.push(round)
    entry.peakBytes = usageOf(entry.subject.running.pid, measuring.microsPerTick).peakBytes
    return describe(round)
  } catch (error) {
    measuring.signal.throwIfAborted()
    entry.problem = error instanceof Error ? error.message : String(error)
    return null
  }
}

function describe(round: Round): string {
  const cpu = round.cpuMicrosPerRequest.toFixed(1).padStart(7)
  const rate = Math.round(round.requestsPerSecond).toLocaleString('en').padStart(8)
  return `${cpu} µs/request ${rate} requests/s   p99 ${(round.p99Micros / 1000).toFixed(2)} ms`
}

function settled({ competitor, version, shape, rounds, peakBytes, problem }: Entry): Measured {
  return { competitor: competitor.name, version, shape, rounds, peakBytes, problem }
}
