import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkArrivals } from './arrivals.ts'
import type { Case, Shape } from './cases.ts'
import type { Certificate } from './certificates.ts'
import type { Competitor } from './competitor.ts'
import type { CpuPlan } from './cpus.ts'
import { findFreePorts } from './ports.ts'
import type { Processes, Running } from './processes.ts'

/** A competitor that serves one shape of a case. */
export interface Subject {
  readonly competitor: Competitor
  readonly shape: Shape
  readonly running: Running
  readonly cpus: CpuPlan
  /** What the load generator asks for. */
  readonly url: string
  /** File of the certificate it shows; null without TLS. */
  readonly certificate: string | null
  /** Protocol and cipher that a client gets; null without TLS. */
  readonly tls: string | null
}

export interface SubjectParameters {
  readonly competitor: Competitor
  readonly shape: Shape
  readonly measured: Case
  readonly origins: readonly string[]
  /** Of the case's kind; null without TLS. */
  readonly certificate: Certificate | null
  readonly idleSeconds: number
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
  certificate,
  idleSeconds,
  directory,
  processes,
  cpus,
}: SubjectParameters): Promise<Subject> {
  mkdirSync(directory)
  const [port] = (await findFreePorts(1)) as [number]
  const served = origins.slice(0, shape.instancesPerRoute)
  const { threads } = shape
  const { accessLog, load } = measured
  const work = {
    port,
    prefixes: prefixesOf(shape),
    origins: served,
    threads,
    connections: load.connections,
    idleSeconds,
    tls: certificate,
    accessLog,
    directory,
  }
  const running = competitor.start(work, (command, args, env = {}) =>
    processes.start({ cpus: cpus.proxy, command, args, env, directory }),
  )
  await running.listening(port)
  const url = `${certificate === null ? 'http' : 'https'}://127.0.0.1:${port}${measuredPrefix(shape)}`
  const shown = certificate === null ? null : certificate.cert
  const tls = await checkArrivals(url, shown, served.length)
  return { competitor, shape, running, cpus, url: url + load.path, certificate: shown, tls }
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
  const name = competitor.name.replaceAll(/[^\w.-]/g, '-')
  return join(root, `${name}-${shape.routes}-${shape.threads}`)
}
