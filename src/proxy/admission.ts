import type { AdmissionCell } from '../core/admission-cell.ts'
import type { Service } from '../core/service.ts'
import type { ServiceLimits } from '../core/snapshot.ts'
import { type TimerWheel, WheelTimer } from '../util/timer-wheel.ts'
import type { Exchange } from './exchange.ts'
import { ExchangeQueue } from './exchange-queue.ts'
import { attemptAt, failUnplaced } from './handle.ts'
import { depositForRequest } from './retry.ts'
import { hasOnlyFull, isFull, takeEndpoint } from './room.ts'
import { fail } from './settle.ts'

/** For a service whose endpoints alone are limited, or whose limit was lifted again. */
const noLimit = 2 ** 30
/** While somebody waits: looks for those that have waited too long, and for room that a thread that is stuck did not take. */
const lookMs = 50

/** Where an exchange stands with the admission of its service. `between`: inside, and waits for an endpoint of its next attempt. */
export const place = { outside: 0, waiting: 1, inside: 2, between: 3 } as const

/**
 * Keeps the exchanges of one service within its limits, in one data thread: lets them in while there is room over all threads, has
 * them wait in the order in which they came, turns away those for which there is nowhere to wait and those that waited too long.
 *
 * A place is an exchange's from its first attempt until it is settled, whatever it retries. Where the endpoints that are left for a
 * retry are full, it waits for one of them, apart from those that have no place yet: it must not keep them from endpoints that it was
 * at already, and they must not take the ones that it waits for. Nothing is allocated for one that goes in or waits.
 */
export class Admission {
  readonly #service: Service
  readonly #cell: AdmissionCell
  readonly #wheel: TimerWheel
  readonly #timer: WheelTimer
  /** Those that have no place yet. */
  readonly #queue = new ExchangeQueue()
  /** Those between two attempts. */
  readonly #between = new ExchangeQueue()
  #isGoingOn = false
  #isListening = false

  constructor(service: Service, cell: AdmissionCell, wheel: TimerWheel) {
    this.#service = service
    this.#cell = cell
    this.#wheel = wheel
    this.#timer = new WheelTimer(() => this.#look())
  }

  /** Whether requests have to come by here: no limit that is found out is in force most of the time. */
  get isInForce(): boolean {
    const { settings, cell } = this.#service
    const { limits } = settings
    if (limits === null) return false
    return limits.requests !== null || limits.requestsPerEndpoint !== null || cell.foundRequests() !== 0
  }

  /** A request has come. */
  enter(x: Exchange): void {
    const { limits } = this.#service.settings
    x.admission = this
    if (this.#cell.waiting.count() === 0 && this.#letIn(x, limits)) return
    if (!this.#cell.waiting.acquire(this.#maxWaiting(limits))) {
      // Those that wait may all be between two attempts, and want other endpoints.
      if (this.#queue.first === null && this.#cell.isTurn() && this.#letIn(x, limits)) return
      this.#service.meter.rejected('full')
      return fail(x, 'overloaded')
    }
    x.place = place.waiting
    x.failure = 'overloaded'
    x.ticket = this.#cell.takeTicket()
    this.#queue.push(x)
    // Room that came before others could see that somebody waits is nobody else's to announce.
    if (this.#queue.first === x) this.goOn()
  }

  /** The endpoints that are left for the next attempt are full. @returns false when there is nowhere to wait for one of them */
  awaitEndpoint(x: Exchange): boolean {
    if (!this.#cell.waiting.acquire(this.#maxWaiting(this.#service.settings.limits))) {
      this.#service.meter.rejected('full')
      return false
    }
    x.place = place.between
    x.attemptMs = performance.now()
    this.#between.push(x)
    if (!this.#timer.armed) this.#wheel.arm(this.#timer, lookMs)
    return true
  }

  /** The exchange is over, or its client is gone. `goOn` follows. */
  leave(x: Exchange): void {
    const isWaiting = x.place === place.waiting || x.place === place.between
    if (x.place === place.waiting) this.#stopWaiting(x)
    else if (x.place === place.between) this.#stopWaitingBetween(x)
    if (x.place === place.inside) this.#cell.inflight.release()
    // Its time to wait is over, or the route's.
    if (isWaiting && x.failure === 'overloaded') this.#service.meter.rejected('late')
    x.place = place.outside
  }

  /** There may be room, or limits were changed: lets in those that wait, here or in the thread whose turn it is. */
  goOn(): void {
    if (this.#isGoingOn) return
    if (this.#between.first !== null) this.#goOnBetween()
    const wakes = this.#cell.wakes()
    const { first } = this.#queue
    if (first === null) {
      if (this.#cell.waiting.count() > 0) this.#cell.isTurn()
      return
    }
    this.#isGoingOn = true
    this.#cell.show(first.ticket)
    while (this.#cell.isTurn() && this.#letInFirst());
    this.#isGoingOn = false
    this.#watch(wakes)
  }

  #goOnBetween(): void {
    this.#isGoingOn = true
    // From the first on again each time: an exchange that is let go on, or fails, may change the queue.
    while (this.#letOneGoOn());
    this.#isGoingOn = false
  }

  /** @returns false when all have to wait on */
  #letOneGoOn(): boolean {
    for (let x = this.#between.first; x !== null; x = x.waitsBefore) {
      const endpoint = takeEndpoint(x, this.#service)
      if (endpoint === null && hasOnlyFull(x, this.#service)) continue
      this.#stopWaitingBetween(x)
      if (endpoint === null) failUnplaced(x, this.#service)
      else attemptAt(x, endpoint)
      return true
    }
    return false
  }

  /** @returns false when nobody waits, or there is no room */
  #letInFirst(): boolean {
    const x = this.#queue.first
    return x !== null && this.#letIn(x, this.#service.settings.limits)
  }

  /** @returns false when there is no room */
  #letIn(x: Exchange, limits: ServiceLimits | null): boolean {
    const { inflight } = this.#cell
    if (!inflight.acquire(this.#maxRequests(limits))) return false
    const endpoint = takeEndpoint(x, this.#service)
    if (endpoint === null && isFull(this.#service)) {
      inflight.release()
      return false
    }
    if (x.place === place.waiting) this.#stopWaiting(x)
    x.place = place.inside
    x.failure = null
    depositForRequest(this.#service)
    if (endpoint === null) fail(x, 'no-endpoint')
    else attemptAt(x, endpoint)
    return true
  }

  #stopWaiting(x: Exchange): void {
    const wasFirst = this.#queue.first === x
    this.#queue.remove(x)
    this.#stoppedWaiting()
    if (wasFirst) this.#cell.show(this.#queue.first === null ? 0 : this.#queue.first.ticket)
  }

  #stopWaitingBetween(x: Exchange): void {
    this.#between.remove(x)
    x.place = place.inside
    this.#stoppedWaiting()
  }

  #stoppedWaiting(): void {
    this.#cell.waiting.release()
    if (this.#queue.first === null && this.#between.first === null) this.#wheel.remove(this.#timer)
  }

  #maxRequests(limits: ServiceLimits | null): number {
    if (limits === null) return noLimit
    return limits.requests ?? (this.#isFound(limits) ? this.#service.cell.foundRequests() : noLimit)
  }

  #isFound(limits: ServiceLimits): boolean {
    return limits.findsRequests && this.#service.cell.foundRequests() !== 0
  }

  #maxWaiting(limits: ServiceLimits | null): number {
    if (limits === null) return noLimit
    if (this.#isFound(limits)) return this.#service.cell.foundPending() ?? noLimit
    const { pending, requests, requestsPerEndpoint } = limits
    if (pending !== null) return pending
    if (requests === null && requestsPerEndpoint === null) return noLimit
    return requests ?? (requestsPerEndpoint ?? 1) * this.#service.endpoints().eligible.length
  }

  /** While it is only tried out whether a limit helps, nobody is turned away for it. */
  #pendingTimeoutMs(limits: ServiceLimits | null): number {
    if (limits === null) return Infinity
    const isTried = this.#isFound(limits) && this.#service.cell.foundPending() === null
    return isTried && limits.requestsPerEndpoint === null ? Infinity : limits.pendingTimeoutMs
  }

  /** A limit was found, and more wait than may: those that came first have waited longest, and would be answered last of all. */
  #waitInVain(limits: ServiceLimits | null): boolean {
    return limits !== null && this.#isFound(limits) && this.#cell.waiting.count() > this.#maxWaiting(limits)
  }

  /** Somebody waits still: time runs, and another thread may free a place. @param wakes before the last look for room */
  #watch(wakes: number): void {
    if (this.#queue.first === null) return
    if (!this.#timer.armed) this.#wheel.arm(this.#timer, lookMs)
    if (this.#cell.isAlone || this.#isListening) return
    const woken = this.#cell.woken(wakes)
    if (woken === null) return queueMicrotask(() => this.goOn())
    this.#isListening = true
    void woken.then(() => {
      this.#isListening = false
      this.goOn()
    })
  }

  #look(): void {
    const { limits } = this.#service.settings
    const now = performance.now()
    this.#isGoingOn = true
    const timeoutMs = this.#pendingTimeoutMs(limits)
    for (let x = this.#queue.first; x !== null; x = this.#queue.first) {
      if (now - x.startedMs < timeoutMs && !this.#waitInVain(limits)) break
      fail(x, 'overloaded')
    }
    for (let x = this.#between.first; x !== null; x = this.#between.first) {
      if (now - x.attemptMs < timeoutMs) break
      fail(x, 'overloaded')
    }
    // Out of turn: a thread that is stuck takes no place, and would keep all others from it.
    while (this.#letInFirst());
    this.#isGoingOn = false
    this.goOn()
    if (this.#between.first !== null && !this.#timer.armed) this.#wheel.arm(this.#timer, lookMs)
  }
}
