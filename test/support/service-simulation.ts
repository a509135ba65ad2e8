import { longestAnswerMs } from '../../src/core/service-cell.ts'
import {
  endpointShareOf,
  findLimit,
  limitOf,
  noFinding,
  type Finding,
} from '../../src/health/found-limit/found-limit.ts'
import { seededRandom } from '../../src/util/random.ts'

const pendingTimeoutMs = 1000
const lookMs = 50

interface Asked {
  readonly atMs: number
  readonly isLong: boolean
  readonly next: (() => void) | null
}

export interface Answered {
  readonly atMs: number
  /** From when it was asked. */
  readonly tookMs: number
  readonly isLong: boolean
}

interface SimulatedEndpoint {
  working: number
  readonly waiting: (() => void)[]
}

export interface SimulatedService {
  readonly endpoints?: number
  /** Requests that an instance works on at a time; Infinity = all. */
  slots: number
  /** What an answer takes that waits for nothing. */
  serviceMs: (random: () => number) => number
}

/**
 * A service, the gateway in front of it and their clients, on a clock of its own: instances with a queue without an end, requests that
 * wait for the found limit as they do in an Admission, and a look every 50 ms.
 */
export class Simulation {
  nowMs = 0
  finding: Finding = noFinding
  readonly service: SimulatedService
  readonly answered: Answered[] = []
  readonly refusedMs: number[] = []
  /** Every `why`, with when it came and the kind of phase it led to. */
  readonly history: { readonly atMs: number; readonly phase: string; readonly why: string }[] = []
  readonly random: () => number
  readonly #endpoints: SimulatedEndpoint[]
  #events: { atMs: number; order: number; run: () => void }[] = []
  #order = 0
  #turn = 0
  #inflight = 0
  #unanswered = 0
  #waiting: Asked[] = []
  #window = { answers: 0, sumMs: 0, leastMs: null as number | null }
  probes = 0
  /** Clients give up after so long; they must not be in a hurry when it is set. */
  patienceMs = Infinity

  constructor(service: SimulatedService, seed = 1) {
    this.service = service
    this.random = seededRandom(seed)
    this.#endpoints = Array.from({ length: service.endpoints ?? 3 }, () => ({ working: 0, waiting: [] }))
    this.at(lookMs, () => this.#look())
  }

  at(atMs: number, run: () => void): void {
    const event = { atMs, order: this.#order++, run }
    let [low, high] = [0, this.#events.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#events[middle] as { atMs: number }).atMs > atMs) low = middle + 1
      else high = middle
    }
    // Latest first; of the same time, the one that came later runs later.
    while (low > 0 && this.#events[low - 1]?.atMs === atMs) low--
    this.#events.splice(low, 0, event)
  }

  /** Lets time pass. */
  run(untilMs: number): this {
    for (;;) {
      const next = this.#events.at(-1)
      if (next === undefined || next.atMs > untilMs) break
      this.#events.pop()
      this.nowMs = next.atMs
      next.run()
    }
    this.nowMs = untilMs
    return this
  }

  /** Requests at a constant rate, but for a little jitter, whether or not answers come. */
  open(perSecond: number, fromMs: number, toMs: number): this {
    const next = (atMs: number): void => {
      if (atMs >= toMs) return
      this.at(atMs, () => {
        this.#ask({ atMs, isLong: false, next: null })
        next(atMs + (1000 / perSecond) * (0.5 + this.random()))
      })
    }
    next(fromMs)
    return this
  }

  /** Clients that ask again as soon as they have an answer; one that was refused waits first. */
  closed(clients: number, fromMs: number, toMs: number, { isLong = false } = {}): this {
    const ask = (): void => {
      if (this.nowMs < toMs) this.#ask({ atMs: this.nowMs, isLong, next: ask })
    }
    for (let i = 0; i < clients; i++) this.at(fromMs + i * 0.1, ask)
    return this
  }

  get limit(): number | null {
    return limitOf(this.finding)?.limit ?? null
  }

  /** Of those that were answered from one time to another: how many a second, and their 99th percentile. */
  during(fromMs: number, toMs: number) {
    const took = this.answered
      .filter(({ atMs, isLong }) => !isLong && atMs >= fromMs && atMs < toMs)
      .map((a) => a.tookMs)
    const p99Ms = took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? Number.NaN
    return { perSecond: (took.length * 1000) / (toMs - fromMs), p99Ms }
  }

  #ask(asked: Asked): void {
    const found = limitOf(this.finding)
    if (found === null || (this.#waiting.length === 0 && this.#inflight < found.limit)) return this.#send(asked)
    if (this.#waiting.length >= (found.pending ?? Infinity)) return this.#refuse(asked)
    this.#waiting.push(asked)
  }

  #refuse({ next }: Asked): void {
    this.refusedMs.push(this.nowMs)
    if (next !== null) this.at(this.nowMs + 1000, next)
  }

  #send(asked: Asked): void {
    const sentMs = this.nowMs
    this.#inflight++
    const leftMs = asked.atMs + this.patienceMs - this.nowMs
    let isOver = false
    const over = (): boolean => {
      if (isOver) return false
      return (isOver = true)
    }
    if (!asked.isLong && leftMs < Infinity) this.at(this.nowMs + leftMs, () => over() && this.#giveUp())
    const endpoint = this.#pick()
    if (asked.isLong) return this.at(sentMs + 25_000 * (0.1 + this.random()), () => this.#answer(asked, sentMs))
    const work = (): void => {
      endpoint.working++
      this.at(this.nowMs + this.service.serviceMs(this.random), () => {
        endpoint.working--
        while (endpoint.working < this.service.slots && endpoint.waiting.length > 0) endpoint.waiting.shift()?.()
        if (over()) this.#answer(asked, sentMs)
      })
    }
    if (endpoint.working < this.service.slots) work()
    else endpoint.waiting.push(work)
  }

  /** In turn; an endpoint that has its share is passed over. */
  #pick(): SimulatedEndpoint {
    const most = endpointShareOf(this.finding, this.#endpoints.length) ?? Infinity
    for (let i = 0; i < this.#endpoints.length; i++) {
      const endpoint = this.#endpoints[this.#turn++ % this.#endpoints.length] as SimulatedEndpoint
      if (endpoint.working + endpoint.waiting.length < most) return endpoint
    }
    return this.#endpoints[this.#turn++ % this.#endpoints.length] as SimulatedEndpoint
  }

  /** The instance does not notice, and works on it all the same. */
  #giveUp(): void {
    this.#inflight--
    this.#unanswered++
    this.#letIn()
  }

  #answer(asked: Asked, sentMs: number): void {
    this.#inflight--
    const ms = this.nowMs - sentMs
    if (ms <= longestAnswerMs) {
      this.#window.answers++
      this.#window.sumMs += ms
      this.#window.leastMs = Math.min(ms, this.#window.leastMs ?? Infinity)
    }
    this.answered.push({ atMs: this.nowMs, tookMs: this.nowMs - asked.atMs, isLong: asked.isLong })
    asked.next?.()
    this.#letIn()
  }

  #letIn(): void {
    const limit = this.limit ?? Infinity
    while (this.#waiting.length > 0 && this.#inflight < limit) this.#send(this.#waiting.shift() as Asked)
  }

  #look(): void {
    const before = this.finding
    this.finding = findLimit(
      before,
      {
        nowMs: this.nowMs,
        lengthMs: lookMs,
        ...this.#window,
        unanswered: this.#unanswered,
        inflight: this.#inflight,
        waiting: this.#waiting.length,
        endpoints: this.#endpoints.length,
      },
      pendingTimeoutMs,
    )
    this.#window = { answers: 0, sumMs: 0, leastMs: null }
    const { phase, why } = this.finding
    if (phase.kind === 'probing' && before.phase.kind !== 'probing') this.probes++
    if (why !== before.why || phase.kind !== before.phase.kind)
      this.history.push({ atMs: this.nowMs, phase: phase.kind, why })
    const pending = limitOf(this.finding)?.pending ?? null
    const isTooLate = (asked: Asked): boolean =>
      pending !== null && (this.nowMs - asked.atMs > pendingTimeoutMs || this.#waiting.length > pending)
    while (this.#waiting[0] !== undefined && isTooLate(this.#waiting[0])) this.#refuse(this.#waiting.shift() as Asked)
    this.#letIn()
    this.at(this.nowMs + lookMs, () => this.#look())
  }
}
