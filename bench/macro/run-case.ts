import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Case, shareOfPeak } from './cases.ts'
import type { Competitor } from './competitor.ts'
import { type CpuPlan, planCpus, planThreads } from './cpus.ts'
import { describeRound, Entry, listEntries } from './entry.ts'
import { Processes } from './processes.ts'
import { usageOf } from './procfs.ts'
import type { Row } from './result.ts'
import { compare } from './rows.ts'
import { Stage } from './stage.ts'
import { spread } from './statistics.ts'

export interface CaseRun {
  /** Those that are available. */
  readonly competitors: readonly Competitor[]
  readonly rounds: number
  readonly seconds: number
  /** CPUs that the bench may use. */
  readonly allowed: readonly number[]
  readonly microsPerTick: number
  readonly signal: AbortSignal
  /** Takes a line whenever there is something to tell. */
  readonly tell: (line: string) => void
}

/** Before a constant rate; the middle one counts. */
export const peakRounds = 3
export const warmUpSeconds = 1

/**
 * Starts the origin and every competitor, measures them in turn (A B C, A B C …) and stops them all, also when it is
 * aborted. A competitor that fails is out of the later rounds; the others go on.
 */
export async function runCase(measured: Case, run: CaseRun): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-bench-'))
  const processes = new Processes()
  const entries = listEntries(measured, run.competitors)
  try {
    const stage = new Stage(measured, processes, directory)
    for (const entry of entries) {
      run.signal.throwIfAborted()
      const { competitor, shape } = entry
      await entry.attempt(run.signal, async () => {
        entry.subject = await stage.start(competitor, shape, planFor(measured, shape.threads, run.allowed))
      })
    }
    await warmUp(entries, measured, run)
    for (const { label, problem } of entries) if (problem !== null) run.tell(`  out: ${label}: ${problem}`)
    if (measured.load.sending === 'constant-rate') await findPeaks(entries, measured, run)
    for (let round = 1; round <= run.rounds; round++) {
      for (const entry of entries) {
        if (entry.problem !== null) continue
        const outcome = await takeRound(entry, measured, run)
        run.tell(`  round ${round}/${run.rounds}  ${entry.label.padEnd(22)} ${outcome}`)
      }
    }
    return compare(entries.map((entry) => entry.row()))
  } finally {
    await processes.stopAll()
    rmSync(directory, { recursive: true, force: true })
  }
}

export function planFor(measured: Case, threads: 1 | 2, allowed: readonly number[]): CpuPlan {
  return measured.figure === 'speedup' ? planThreads(allowed, threads) : planCpus(allowed)
}

async function warmUp(entries: readonly Entry[], measured: Case, run: CaseRun): Promise<void> {
  const sending = measured.load.sending === 'constant-rate' ? 'as-fast-as-answered' : measured.load.sending
  const load = { ...measured.load, sending }
  for (const entry of entries) {
    await entry.attempt(run.signal, async () => void (await entry.measure({ ...run, load, seconds: warmUpSeconds })))
  }
}

/** What each serves when it gets all it can take; a share of it is the rate it is measured at. */
async function findPeaks(entries: readonly Entry[], measured: Case, run: CaseRun): Promise<void> {
  const load: Case['load'] = { ...measured.load, sending: 'as-fast-as-answered' }
  const peaks = new Map<Entry, number[]>(entries.map((entry) => [entry, []]))
  for (let round = 0; round < peakRounds; round++) {
    for (const [entry, found] of peaks) {
      await entry.attempt(run.signal, async () => found.push((await entry.measure({ ...run, load })).requestsPerSecond))
    }
  }
  for (const [entry, found] of peaks) {
    if (entry.problem !== null) continue
    const peak = spread(found).median
    entry.rate = Math.round(peak * shareOfPeak)
    run.tell(`  peak  ${entry.label.padEnd(22)} ${Math.round(peak).toLocaleString('en')} requests/s`)
  }
}

/** Returns a line about it. */
async function takeRound(entry: Entry, { load }: Case, run: CaseRun): Promise<string> {
  await entry.attempt(run.signal, async () => {
    entry.rounds.push(await entry.measure({ ...run, load }))
    entry.peakBytes = usageOf(entry.started.running.pid, run.microsPerTick).peakBytes
  })
  return entry.problem === null ? describeRound(entry.rounds.at(-1)) : `out: ${entry.problem}`
}
