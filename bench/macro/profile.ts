import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cases, type Case, type CaseName } from './cases.ts'
import { tidegate } from './competitors/tidegate.ts'
import { planCpus } from './cpus.ts'
import { measure } from './measure.ts'
import { Processes } from './processes.ts'
import { UsageError } from './options.ts'
import { selfTimes, type CpuProfile, type SelfTime } from './self-time.ts'
import { Stage } from './stage.ts'

export interface Profile {
  readonly functions: readonly SelfTime[]
  /** With the sampling switched on: only to see that the load was there. */
  readonly requestsPerSecond: number
}

export interface Profiling {
  readonly seconds: number
  /** CPUs that the bench may use. */
  readonly allowed: readonly number[]
  readonly microsPerTick: number
  readonly signal: AbortSignal
}

/**
 * Loads tidegate alone, in the case's first shape, under `--cpu-prof`. Start and warm-up don't count.
 *
 * @param file where the profile of the data thread goes, for Chrome's DevTools or speedscope
 */
export async function profileCase(name: CaseName, file: string, profiling: Profiling): Promise<Profile> {
  const measured: Case = cases[name]
  if (measured.load.sending === 'constant-rate')
    throw new UsageError(`case ${name} has no load of its own: profile json`)
  const [shape] = measured.shapes
  if (shape === undefined) throw new Error(`case ${name} has no shape`)
  const root = mkdtempSync(join(tmpdir(), 'tidegate-bench-'))
  const profiles = join(root, 'profiles')
  mkdirSync(profiles)
  const processes = new Processes()
  try {
    const competitor = tidegate({ nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${profiles}`] })
    const stage = new Stage(measured, processes, root)
    const subject = await stage.start(competitor, { ...shape, threads: 1 }, planCpus(profiling.allowed))
    const measuring = { ...profiling, load: measured.load, rate: null }
    await measure(subject, { ...measuring, seconds: 1 })
    const fromMicros = monotonicMicros()
    const { requestsPerSecond } = await measure(subject, measuring)
    const window = { fromMicros, toMicros: monotonicMicros() }
    await subject.running.stop()
    const { path, profile } = busiestThread(profiles)
    copyFileSync(path, file)
    return { functions: selfTimes(profile, window), requestsPerSecond }
  } finally {
    await processes.stopAll()
    rmSync(root, { recursive: true, force: true })
  }
}

/** On the clock that profiles have, which all processes share. */
function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

interface ThreadProfile {
  readonly path: string
  readonly profile: CpuProfile
}

/** Each thread writes a profile of its own when it ends. */
function busiestThread(directory: string): ThreadProfile {
  const threads = readdirSync(directory).map((name) => {
    const path = join(directory, name)
    return { path, profile: JSON.parse(readFileSync(path, 'utf8')) as CpuProfile }
  })
  const [busiest] = threads.toSorted((a, b) => busySamples(b.profile) - busySamples(a.profile))
  if (busiest === undefined) throw new Error('tidegate wrote no profile: was it killed?')
  return busiest
}

function busySamples({ nodes, samples }: CpuProfile): number {
  const idle = new Set(nodes.filter(({ callFrame }) => callFrame.functionName === '(idle)').map(({ id }) => id))
  return samples.filter((id) => !idle.has(id)).length
}
