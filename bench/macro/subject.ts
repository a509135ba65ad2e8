import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkArrivals } from './arrivals.ts'
import type { Case, Shape } from './cases.ts'
import type { Competitor } from './competitor.ts'
import type { CpuPlan } from './cpus.ts'
import { findFreePorts } from './ports.ts'
import type { Processes, Running } from './processes.ts'

/** A competitor that serves one shape of a case. */
export interface Subject {
  readonly competitor: Competitor
  readonly shape: Shape
  readonly running: Running
  /** What the load generator asks for. */
  readonly url: string
}

export interface SubjectParameters {
  readonly competitor: Competitor
  readonly shape: Shape
  readonly measured: Case
  readonly origins: readonly string[]
  readonly directory: string
  readonly processes: Processes
  readonly cpus: CpuPlan
}

/** Starts a competitor and sees that it does its work; rejects with the reason when it doesn't. */
export async function startSubject({
  competitor,
  shape,
  measured,
  origins,
  directory,
  processes,
  cpus,
}: SubjectParameters): Promise<Subject> {
  mkdirSync(directory)
  const [port] = (await findFreePorts(1)) as [number]
  const served = origins.slice(0, shape.instancesPerRoute)
  const work = { port, prefixes: prefixesOf(shape), origins: served, accessLog: measured.accessLog, directory }
  const running = competitor.start(work, (command, args, env = {}) =>
    processes.start({ cpus: cpus.proxy, command, args, env, directory }),
  )
  await running.listening(port)
  const prefix = measuredPrefix(shape)
  await checkArrivals(port, prefix, served.length)
  return { competitor, shape, running, url: `http://127.0.0.1:${port}${prefix}${measured.load.path}` }
}

function prefixesOf({ routes }: Shape): string[] {
  return routes === 1 ? [''] : Array.from({ length: routes }, (_, index) => `/route-${index}`)
}

/**
 * The route in the middle. The load stays on one: over all of 100,000 instances, connections would be idle for longer than
 * they are kept, and connecting would be measured instead.
 */
export function measuredPrefix(shape: Shape): string {
  return prefixesOf(shape)[shape.routes >> 1] as string
}

/** Names a subject's folder. */
export function subjectDirectory(root: string, competitor: Competitor, shape: Shape): string {
  return join(root, `${competitor.name.replaceAll('/', '-')}-${shape.routes}`)
}
