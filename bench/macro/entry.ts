import type { Case, Shape } from './cases.ts'
import type { Competitor } from './competitor.ts'
import { measure, type Measuring } from './measure.ts'
import type { Measured } from './ratios.ts'
import type { Round } from './result.ts'
import type { Subject } from './subject.ts'

/** A competitor in one shape of a case, as far as it came. */
export class Entry {
  readonly competitor: Competitor
  readonly shape: Shape
  readonly label: string
  /** Asked for before anything starts: a checkout may change meanwhile. */
  readonly version: string
  readonly rounds: Round[] = []
  subject: Subject | null = null
  /** Requests per second that it is sent; null where that is up to the answers. */
  rate: number | null = null
  peakBytes = 0
  /** Why it is out. */
  problem: string | null = null

  constructor(competitor: Competitor, shape: Shape, label: string) {
    this.competitor = competitor
    this.shape = shape
    this.label = label
    this.version = competitor.version()
  }

  get started(): Subject {
    if (this.subject === null) throw new Error('it was not started')
    return this.subject
  }

  /** Does a step unless an earlier one failed; a failure puts it out. Rejects only when `signal` is aborted. */
  async attempt(signal: AbortSignal, step: () => Promise<unknown>): Promise<void> {
    signal.throwIfAborted()
    if (this.problem !== null) return
    try {
      await step()
    } catch (error) {
      signal.throwIfAborted()
      this.problem = error instanceof Error ? error.message : String(error)
    }
  }

  async measure(measuring: Omit<Measuring, 'rate'>): Promise<Round> {
    return measure(this.started, { ...measuring, rate: this.rate })
  }

  row(): Measured {
    const { shape, version, rounds, peakBytes, problem, rate } = this
    const competitor = this.competitor.name
    const tls = this.subject?.tls ?? null
    return { competitor, version, shape, tls, offeredPerSecond: rate, rounds, peakBytes, problem }
  }
}

/**
 * Every competitor that is able to, in every shape of the case. What is compared most stands side by side: competitors in one shape, or the
 * shapes of one competitor where the case is about those.
 */
export function listEntries(measured: Case, competitors: readonly Competitor[]): Entry[] {
  const { shapes, figure } = measured
  const able = competitors.filter(({ name }) => isAble(name, measured.competitors))
  const entry = (competitor: Competitor, shape: Shape) =>
    new Entry(competitor, shape, labelOf(competitor, shape, shapes))
  return figure === 'speedup'
    ? able.flatMap((competitor) => shapes.map((shape) => entry(competitor, shape)))
    : shapes.flatMap((shape) => able.map((competitor) => entry(competitor, shape)))
}

/** Another checkout of Tidegate takes part wherever this one does. */
export function isAble(name: string, able: readonly string[]): boolean {
  return able.includes(name.startsWith('tidegate (') ? 'tidegate' : name)
}

function labelOf({ name }: Competitor, { routes, instancesPerRoute, threads }: Shape, all: readonly Shape[]): string {
  if (all.length === 1) return name
  return all.some((other) => other.threads !== threads)
    ? `${name} ${threads} thread${threads === 1 ? '' : 's'}`
    : `${name} ${routes}×${instancesPerRoute}`
}

/** One line of figures, for who watches. */
export function describeRound(round: Round | undefined): string {
  if (round === undefined) return ''
  const cpu = round.cpuMicrosPerRequest.toFixed(1).padStart(7)
  const rate = Math.round(round.requestsPerSecond).toLocaleString('en').padStart(8)
  return `${cpu} µs/request ${rate} requests/s   p99 ${(round.p99Micros / 1000).toFixed(2)} ms`
}
