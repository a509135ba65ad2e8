import type { AdmissionCell } from '../core/admission-cell.ts'
import type { Service } from '../core/service.ts'
import type { ServiceLimits } from '../core/snapshot.ts'
import { type TimerWheel, WheelTimer } from '../util/timer-wheel.ts'
import type { Exchange } from './exchange.ts'
import { attemptAt } from './handle.ts'
import { depositForRequest } from './retry.ts'
import { isFull, takeEndpoint } from './room.ts'
import { fail } from './settle.ts'

/** For a service whose endpoints alone are limited. */
const noLimit = 2 ** 30
/** While somebody waits: looks for those that have waited too long, and for room that a thread that is stuck did not take. */
const lookMs = 50

/** Where an exchange stands with the admission of its service. */
export const place = { outside: 0, waiting: 1, inside: 2 } as const

/**
 * Keeps the exchanges of one service within its limits, in one data thread: lets them in while there is room over all threads, has
 * them wait in the order in which they came, turns away those for which there is nowhere to wait and those that waited too long.
 *
 * A place is an exchange's from its first attempt until it is settled, whatever it retries. Nothing is allocated for one that
 * goes in or waits.
 */
export class Admission {
  readonly #service: Service
  readonly #cell: AdmissionCell
  readonly #wheel: TimerWheel
  readonly #timer: WheelTimer
  #first: Exchange | null = null
  #last: Exchange | null = null
  #isGoingOn = false
  #isListening = false

  constructor(service: Service, cell: AdmissionCell, wheel: TimerWheel) {
    this.#service = service
    this.#cell = cell
    this.#wheel = wheel
    this.#timer = new WheelTimer(() => this.#look())
  }

  /** A request has come. */
  enter(x: Exchange): void {
    const { limits } = this.#service.settings
    x.admission = this
    if (this.#cell.waiting.count() === 0 && this.#letIn(x, limits)) return
    if (!this.#cell.waiting.acquire(this.#maxWaiting(limits))) {
      this.#service.meter.rejected('full')
      return fail(x, 'overloaded')
    }
    x.place = place.waiting
    x.failure = 'overloaded'
    x.ticket = this.#cell.takeTicket()
    x.waitsBehind = this.#last
    if (this.#last === null) this.#first = x
    else this.#last.waitsBefore = x
    this.#last = x
    // Room that came before others could see that somebody waits is nobody else's to announce.
    if (this.#first === x) this.goOn()
  }

  /** The exchange is over, or its client is gone. `goOn` follows. */
  leave(x: Exchange): void {
    if (x.place === place.inside) this.#cell.inflight.release()
    else if (x.place === place.waiting) {
      this.#stopWaiting(x)
      // Its time to wait is over, or the route's.
      if (x.failure === 'overloaded') this.#service.meter.rejected('late')
    }
    x.place = place.outside
  }

  /** There may be room, or limits were changed: lets in those that wait, here or in the thread whose turn it is. */
  goOn(): void {
    if (this.#isGoingOn) return
    const wakes = this.#cell.wakes()
    if (this.#first === null) {
      if (this.#cell.waiting.count() > 0) this.#cell.isTurn()
      return
    }
    this.#isGoingOn = true
    this.#cell.show(this.#first.ticket)
    while (this.#cell.isTurn() && this.#letInFirst());
    this.#isGoingOn = false
    this.#watch(wakes)
  }

  /** @returns false when nobody waits, or there is no room */
  #letInFirst(): boolean {
    const x = this.#first
    return x !== null && this.#letIn(x, this.#service.settings.limits)
  }

  /** @returns false when there is no room */
  #letIn(x: Exchange, limits: ServiceLimits | null): boolean {
    const { inflight } = this.#cell
    if (!inflight.acquire(limits?.requests ?? noLimit)) return false
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
    const { waitsBehind: before, waitsBefore: after } = x
    x.waitsBehind = null
    x.waitsBefore = null
    if (before === null) this.#first = after
    else before.waitsBefore = after
    if (after === null) this.#last = before
    else after.waitsBehind = before
    this.#cell.waiting.release()
    if (this.#first === null) this.#wheel.remove(this.#timer)
    if (before === null) this.#cell.show(after === null ? 0 : after.ticket)
  }

  #maxWaiting(limits: ServiceLimits | null): number {
    if (limits === null) return noLimit
    const { pending, requests, requestsPerEndpoint } = limits
    if (pending !== null) return pending
    return requests ?? (requestsPerEndpoint ?? 1) * this.#service.endpoints.eligible.length
  }

  /** Somebody waits still: time runs, and another thread may free a place. @param wakes before the last look for room */
  #watch(wakes: number): void {
    if (this.#first === null) return
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
    for (let x = this.#first; x !== null; x = this.#first) {
      if (limits === null || now - x.startedMs < limits.pendingTimeoutMs) break
      fail(x, 'overloaded')
    }
    // Out of turn: a thread that is stuck takes no place, and would keep all others from it.
    while (this.#letInFirst());
    this.#isGoingOn = false
    this.goOn()
  }
}
