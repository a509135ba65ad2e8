import type { AnswerTimes, ServiceCell } from '../core/service-cell.ts'
import type { Ledger } from '../core/ledger.ts'
import { eligible } from '../health/eligibility.ts'
import type { Flow } from '../health/found-limit/flow.ts'
import {
  endpointShareOf,
  findLimit,
  type Finding,
  isFound,
  limitOf,
  noFinding,
} from '../health/found-limit/found-limit.ts'
import type { Cancel, ControlClock } from './control-clock.ts'
import { pendingOf } from './load-view.ts'
import type { EndpointRecord } from './membership.ts'
import type { ServiceLine } from './service-line.ts'
import type { Timeline } from './timeline.ts'

const lookMs = 50

interface Followed {
  readonly cell: ServiceCell
  finding: Finding
  answers: AnswerTimes
  lookedAtMs: number
}

/** The limits that are found out: looks at what passed through each service since the last look, and puts in force what follows. */
export class FoundLimits {
  readonly #ledger: Ledger
  readonly #clock: ControlClock
  readonly #timeline: Timeline
  /** Those that ask for it, with how long their requests may wait. */
  #asking: ReadonlyMap<ServiceLine, number> = new Map()
  readonly #followed = new Map<ServiceLine, Followed>()
  #cancel: Cancel | null = null

  constructor(parts: { readonly ledger: Ledger; readonly clock: ControlClock; readonly timeline: Timeline }) {
    this.#ledger = parts.ledger
    this.#clock = parts.clock
    this.#timeline = parts.timeline
  }

  /** These are in force from now on: of thousands that ask for nothing, a look knows nothing. */
  follow(lines: Iterable<ServiceLine>): void {
    const asking = new Map<ServiceLine, number>()
    for (const line of lines) {
      const { limits } = line.entry
      if (limits?.findsRequests === true) asking.set(line, limits.pendingTimeoutMs)
    }
    this.#asking = asking
    if (this.#cancel === null && asking.size > 0) this.#lookLater()
  }

  /** What was found of a service; null where nothing is looked for. */
  of(line: ServiceLine): Finding | null {
    return this.#followed.get(line)?.finding ?? null
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  #lookLater(): void {
    this.#cancel = this.#clock.after(lookMs, () => {
      this.#cancel = null
      this.#look()
      if (this.#followed.size > 0) this.#lookLater()
    })
  }

  #look(): void {
    for (const [line, pendingTimeoutMs] of this.#asking) this.#lookAt(line, pendingTimeoutMs)
    for (const [line, { cell }] of this.#followed) {
      if (this.#asking.has(line)) continue
      this.#followed.delete(line)
      cell.setFound(null)
    }
  }

  #lookAt(line: ServiceLine, pendingTimeoutMs: number): void {
    const nowMs = this.#clock.now()
    const followed = this.#followed.get(line)
    if (followed === undefined) {
      const cell = this.#ledger.service(line.slot)
      this.#followed.set(line, { cell, finding: noFinding, answers: cell.takeAnswers(), lookedAtMs: nowMs })
      return
    }
    const before = followed.finding
    const answers = followed.cell.takeAnswers()
    const flow = new LineFlow(
      line,
      this.#ledger,
      { nowMs, lengthMs: nowMs - followed.lookedAtMs },
      answers,
      followed.answers,
    )
    const finding = findLimit(before, flow, pendingTimeoutMs)
    followed.finding = finding
    followed.answers = answers
    followed.lookedAtMs = nowMs
    if (limitOf(finding) !== null || limitOf(before) !== null) this.#putInForce(line, followed.cell, finding, flow)
    const [was, is] = [isFound(before), isFound(finding)]
    if (was === is) return
    this.#timeline.record({
      type: is ? 'limited' : 'unlimited',
      service: line.name,
      endpoint: null,
      cause: finding.why,
    })
  }

  #putInForce(line: ServiceLine, cell: ServiceCell, finding: Finding, flow: LineFlow): void {
    const found = limitOf(finding)
    if (found === null) return cell.setFound(null)
    const { limits } = line.entry
    // What came before the limit has no place, and counts all the same.
    const unplaced = Math.max(0, flow.inflight - flow.placed)
    cell.setFound({
      requests: Math.max(1, found.limit - unplaced),
      pending: pendingOf(found.pending, limits?.pending ?? null),
      perWeight: endpointShareOf(finding, flow.weight),
    })
  }
}

/** Sums over endpoints are made only when they are asked for: most looks need none. */
class LineFlow implements Flow {
  readonly nowMs: number
  readonly lengthMs: number
  readonly answers: number
  readonly sumMs: number
  readonly leastMs: number | null
  readonly unanswered: number
  readonly #line: ServiceLine
  readonly #ledger: Ledger
  #inflight: number | null = null
  #eligible: readonly EndpointRecord[] | null = null

  constructor(
    line: ServiceLine,
    ledger: Ledger,
    { nowMs, lengthMs }: Pick<Flow, 'nowMs' | 'lengthMs'>,
    now: AnswerTimes,
    before: AnswerTimes,
  ) {
    this.#line = line
    this.#ledger = ledger
    this.nowMs = nowMs
    this.lengthMs = lengthMs
    this.answers = now.answers - before.answers
    this.sumMs = now.sumMs - before.sumMs
    this.leastMs = now.leastMs
    this.unanswered = now.unanswered
  }

  get inflight(): number {
    if (this.#inflight !== null) return this.#inflight
    let sum = 0
    for (const { cell } of this.#line.endpoints.records.values()) sum += cell.inflight()
    return (this.#inflight = sum)
  }

  get waiting(): number {
    return this.#ledger.admission(this.#line.slot, -1).waiting.count()
  }

  /** Exchanges that have a place. */
  get placed(): number {
    return this.#ledger.admission(this.#line.slot, -1).inflight.count()
  }

  get endpoints(): number {
    return this.#records.length
  }

  /** Of the eligible endpoints together, as the balancers see it. */
  get weight(): number {
    return this.#records.reduce(
      (sum, { published, cell }) => sum + (published.weight * (100 - cell.coldPercent())) / 100,
      0,
    )
  }

  get #records(): readonly EndpointRecord[] {
    return (this.#eligible ??= eligible(
      [...this.#line.endpoints.records.values()],
      this.#line.spillBelowPercent,
    ).eligible)
  }
}
