import { failures, type Failure } from './failure.ts'
import type { SeriesCells, SeriesWriter } from './series.ts'

/** Upper bounds of duration histograms, in seconds. */
export const durationBuckets: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
]

/** Methods that are label values; any other counts as OTHER, so that a client can't invent series. */
export const knownMethods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Adds one measured time to a histogram series (see SeriesWriter for the layout). */
function observe(cells: SeriesCells, seconds: number): void {
  const { values, offset } = cells
  let bucket = 0
  while (bucket < durationBuckets.length && seconds > (durationBuckets[bucket] as number)) bucket++
  values[offset + bucket] = (values[offset + bucket] as number) + 1
  const sum = offset + durationBuckets.length + 1
  values[sum] = (values[sum] as number) + seconds
}

export function increment(cells: SeriesCells): void {
  cells.values[cells.offset] = (cells.values[cells.offset] as number) + 1
}

/** Width of a duration histogram: the buckets, the overflow, the sum. */
const histogramWidth = durationBuckets.length + 2

/** Series that come into being at their first use, by a small integer key. After `retire` nothing is counted any more. */
class LazyCounters {
  /** Null before the first use: ten thousand services have three of these each, most for nothing. */
  #cells: Map<number, SeriesCells> | null = null
  readonly #allot: (key: number) => SeriesCells
  #isRetired = false

  constructor(allot: (key: number) => SeriesCells) {
    this.#allot = allot
  }

  increment(key: number): void {
    let cells = this.#cells?.get(key)
    if (cells === undefined) {
      if (this.#isRetired) return
      cells = this.#allot(key)
      this.#cells ??= new Map()
      this.#cells.set(key, cells)
    }
    increment(cells)
  }

  retire(writer: SeriesWriter): void {
    this.#isRetired = true
    if (this.#cells === null) return
    for (const cells of this.#cells.values()) writer.retire(cells)
    this.#cells = null
  }
}

/**
 * A duration histogram that comes into being with the first duration. After `retire` nothing is measured any more: its memory may be
 * another series' by then.
 */
class Durations {
  readonly #writer: SeriesWriter
  readonly #family: string
  readonly #labels: Readonly<Record<string, string>>
  #cells: SeriesCells | null = null
  #isRetired = false

  constructor(writer: SeriesWriter, family: string, labels: Readonly<Record<string, string>>) {
    this.#writer = writer
    this.#family = family
    this.#labels = labels
  }

  observe(seconds: number): void {
    if (this.#isRetired) return
    this.#cells ??= this.#writer.allot(this.#family, this.#labels, histogramWidth)
    observe(this.#cells, seconds)
  }

  retire(): void {
    this.#isRetired = true
    if (this.#cells !== null) this.#writer.retire(this.#cells)
    this.#cells = null
  }
}

/**
 * `tidegate_requests_total` and `tidegate_request_duration_seconds` of one route. An exchange that outlives its route is not
 * counted: the route's series are gone by then.
 */
export class RouteMeter {
  readonly #writer: SeriesWriter
  readonly #codes: LazyCounters
  readonly #durations: Durations

  constructor(writer: SeriesWriter, route: string, service: string) {
    this.#writer = writer
    this.#codes = new LazyCounters((key) => {
      const method = knownMethods[Math.floor(key / 1000)] ?? 'OTHER'
      return writer.allot('tidegate_requests_total', { route, service, method, code: String(key % 1000) }, 1)
    })
    this.#durations = new Durations(writer, 'tidegate_request_duration_seconds', { route, service })
  }

  /** @param method any; @param code exact status sent, 499 for a client that left */
  settled(method: string, code: number, seconds: number): void {
    const index = knownMethods.indexOf(method)
    this.#codes.increment((index === -1 ? knownMethods.length : index) * 1000 + code)
    this.#durations.observe(seconds)
  }

  retire(): void {
    this.#codes.retire(this.#writer)
    this.#durations.retire()
  }
}

const outcomes = ['1xx', '2xx', '3xx', '4xx', '5xx', ...(Object.keys(failures) as Failure[])]
const failureKeys = new Map(outcomes.map((name, index) => [name, index]))

/** `tidegate_upstream_requests_total` of one endpoint. Of a hundred thousand endpoints most are never asked: until then it is small. */
export class EndpointMeter {
  readonly #writer: SeriesWriter
  readonly #service: string
  readonly #instance: string
  #outcomes: LazyCounters | null = null
  #isRetired = false

  constructor(writer: SeriesWriter, service: string, instance: string) {
    this.#writer = writer
    this.#service = service
    this.#instance = instance
  }

  answered(status: number): void {
    if (this.#isRetired) return
    this.#outcomes ??= this.#counters()
    this.#outcomes.increment(Math.floor(status / 100) - 1)
  }

  failed(failure: Failure): void {
    if (this.#isRetired) return
    this.#outcomes ??= this.#counters()
    this.#outcomes.increment(failureKeys.get(failure) as number)
  }

  retire(): void {
    this.#isRetired = true
    this.#outcomes?.retire(this.#writer)
  }

  #counters(): LazyCounters {
    const [writer, service, instance] = [this.#writer, this.#service, this.#instance]
    return new LazyCounters((key) =>
      writer.allot('tidegate_upstream_requests_total', { service, instance, outcome: outcomes[key] as string }, 1),
    )
  }
}

/**
 * How a retry ended: it brought an answer, it failed again, or the budget forbade it. `stale-connection` counts the requests that were
 * sent again because the endpoint had closed a kept connection as it was used: they say nothing of the endpoint.
 */
export type RetryOutcome = 'success' | 'failure' | 'no-budget' | 'stale-connection'
const retryOutcomes: readonly RetryOutcome[] = ['success', 'failure', 'no-budget', 'stale-connection']

/** Why a request was turned away: nowhere to wait, waited too long, or too little memory in this thread. */
export type Rejection = 'full' | 'late' | 'memory'
const rejections: readonly Rejection[] = ['full', 'late', 'memory']

/** `tidegate_upstream_duration_seconds`, `tidegate_retries_total` and `tidegate_rejected_total` of one service. */
export class ServiceMeter {
  readonly #writer: SeriesWriter
  readonly #durations: Durations
  readonly #retries: LazyCounters
  readonly #rejected: LazyCounters

  constructor(writer: SeriesWriter, service: string) {
    this.#writer = writer
    this.#rejected = new LazyCounters((key) =>
      writer.allot('tidegate_rejected_total', { service, reason: rejections[key] as string }, 1),
    )
    this.#durations = new Durations(writer, 'tidegate_upstream_duration_seconds', { service })
    this.#retries = new LazyCounters((key) =>
      writer.allot('tidegate_retries_total', { service, outcome: retryOutcomes[key] as string }, 1),
    )
  }

  /** Time from the attempt's start to its response head. */
  headReceived(seconds: number): void {
    this.#durations.observe(seconds)
  }

  retried(outcome: RetryOutcome): void {
    this.#retries.increment(retryOutcomes.indexOf(outcome))
  }

  rejected(reason: Rejection): void {
    this.#rejected.increment(rejections.indexOf(reason))
  }

  retire(): void {
    this.#durations.retire()
    this.#retries.retire(this.#writer)
    this.#rejected.retire(this.#writer)
  }
}

/** `tidegate_worker_event_loop_delay_seconds` and `tidegate_worker_shedding` of one data thread. */
export class WorkerMeter {
  readonly #delays: Durations
  readonly #shedding: SeriesCells

  constructor(writer: SeriesWriter, column: number) {
    const labels = { worker: String(column) }
    this.#delays = new Durations(writer, 'tidegate_worker_event_loop_delay_seconds', labels)
    this.#shedding = writer.allot('tidegate_worker_shedding', labels, 1)
  }

  shedding(isShedding: boolean): void {
    this.#shedding.values[this.#shedding.offset] = isShedding ? 1 : 0
  }

  /** A beat came so much later than it was due. */
  beatLate(seconds: number): void {
    this.#delays.observe(seconds)
  }
}

/** How a client's TLS handshake ended: done in full, or shortened by a ticket of an earlier one, or not done. */
export type HandshakeOutcome = 'full' | 'resumed' | 'failed'
const handshakeOutcomes: readonly HandshakeOutcome[] = ['full', 'resumed', 'failed']

/**
 * Metrics of a data thread that belong to no route: `tidegate_errors_total`, `tidegate_connections`,
 * `tidegate_tls_handshakes_total`, `tidegate_log_dropped_total`.
 */
export class ThreadMeter {
  readonly #writer: SeriesWriter
  readonly #errors: LazyCounters
  readonly #logDropped: LazyCounters
  /** By name: a listener that moves to another address is two for a while. */
  readonly #listeners = new Map<string, { cells: SeriesCells; handshakes: LazyCounters; listeners: number }>()

  constructor(writer: SeriesWriter) {
    this.#writer = writer
    this.#errors = new LazyCounters((key) =>
      writer.allot('tidegate_errors_total', { failure: outcomes[key] as string }, 1),
    )
    this.#logDropped = new LazyCounters(() => writer.allot('tidegate_log_dropped_total', {}, 1))
  }

  failed(failure: Failure): void {
    this.#errors.increment(failureKeys.get(failure) as number)
  }

  logLineDropped(): void {
    this.#logDropped.increment(0)
  }

  listenerOpened(listener: string): void {
    const known = this.#listeners.get(listener)
    if (known !== undefined) known.listeners++
    else {
      const cells = this.#writer.allot('tidegate_connections', { listener }, 1)
      const handshakes = new LazyCounters((key) => {
        const outcome = handshakeOutcomes[key] as HandshakeOutcome
        return this.#writer.allot('tidegate_tls_handshakes_total', { listener, outcome }, 1)
      })
      this.#listeners.set(listener, { cells, handshakes, listeners: 1 })
    }
  }

  /** One more, or one less, open downstream connection of a listener in this thread. */
  connections(listener: string, change: 1 | -1): void {
    const cells = this.#listeners.get(listener)?.cells
    if (cells !== undefined) cells.values[cells.offset] = (cells.values[cells.offset] as number) + change
  }

  handshake(listener: string, outcome: HandshakeOutcome): void {
    this.#listeners.get(listener)?.handshakes.increment(handshakeOutcomes.indexOf(outcome))
  }

  /** It has no connection left. */
  listenerClosed(listener: string): void {
    const known = this.#listeners.get(listener)
    if (known === undefined || --known.listeners > 0) return
    this.#writer.retire(known.cells)
    known.handshakes.retire(this.#writer)
    this.#listeners.delete(listener)
  }
}
