/** One deadline; embedded in its owner and used again, so that arming allocates nothing. */
export class WheelTimer {
  /** Called once when the deadline passes; the timer may be armed again inside. */
  readonly onTimeout: () => void
  /** @internal wheel time in ms; 0 = not armed */
  deadline = 0
  /** @internal wheel time at which its bucket is swept; 0 = in no bucket */
  due = 0
  /** @internal */
  bucket = -1
  /** @internal */
  before: WheelTimer | null = null
  /** @internal */
  after: WheelTimer | null = null

  constructor(onTimeout: () => void) {
    this.onTimeout = onTimeout
  }

  get armed(): boolean {
    return this.deadline !== 0
  }
}

/**
 * Coarse deadlines for one thread: one interval instead of a timer per exchange. A timer fires at most three ticks late and
 * never early. Disarming, and moving a deadline further away, is one store; the bucket is corrected when it comes round.
 *
 * The wheel's own time stands still while the event loop does: a stall of ours postpones all deadlines and is never taken
 * for the silence of somebody else.
 */
export class TimerWheel {
  readonly #tickMs: number
  readonly #heads: (WheelTimer | null)[]
  readonly #now: () => number
  #timeMs: number
  #tickCount = 1
  #seenMs: number
  #interval: NodeJS.Timeout | null = null

  constructor({ tickMs = 50, buckets = 512, now = () => performance.now() } = {}) {
    this.#tickMs = tickMs
    this.#heads = Array.from({ length: buckets }, () => null)
    this.#now = now
    this.#seenMs = now()
    this.#timeMs = tickMs
  }

  /** Starts ticking; keeps no process alive. */
  start(): void {
    if (this.#interval !== null) return
    this.#seenMs = this.#now()
    this.#interval = setInterval(() => this.tick(), this.#tickMs)
    this.#interval.unref()
  }

  stop(): void {
    if (this.#interval !== null) clearInterval(this.#interval)
    this.#interval = null
  }

  /** Arms, or moves, a timer to `ms` from now. */
  arm(timer: WheelTimer, ms: number): void {
    // The wheel's time is that of the last tick: up to one tick has passed since.
    timer.deadline = this.#timeMs + this.#tickMs + ms
    if (timer.due !== 0) {
      if (timer.deadline >= timer.due) return
      this.#unlink(timer)
    }
    this.#link(timer)
  }

  /** What an armed timer has left; armed with it again, it keeps its deadline. */
  left(timer: WheelTimer): number {
    return Math.max(0, timer.deadline - this.#timeMs - this.#tickMs)
  }

  disarm(timer: WheelTimer): void {
    timer.deadline = 0
  }

  /** Disarms a timer whose owner is gone, and lets go of it: a bucket would hold it until it comes round. */
  remove(timer: WheelTimer): void {
    timer.deadline = 0
    if (timer.due !== 0) this.#unlink(timer)
  }

  /** Advances to now; called by the interval, and by tests with their own clock. */
  tick(): void {
    const now = this.#now()
    this.#timeMs += Math.min(Math.max(now - this.#seenMs, 0), this.#tickMs * 2)
    this.#seenMs = now
    while ((this.#tickCount + 1) * this.#tickMs <= this.#timeMs) {
      this.#tickCount++
      this.#sweep(this.#tickCount % this.#heads.length)
    }
  }

  #link(timer: WheelTimer): void {
    const wanted = Math.ceil(timer.deadline / this.#tickMs)
    const tick = Math.min(Math.max(wanted, this.#tickCount + 1), this.#tickCount + this.#heads.length - 1)
    const bucket = tick % this.#heads.length
    const head = this.#heads[bucket] as WheelTimer | null
    timer.bucket = bucket
    timer.due = tick * this.#tickMs
    timer.before = null
    timer.after = head
    if (head !== null) head.before = timer
    this.#heads[bucket] = timer
  }

  #unlink(timer: WheelTimer): void {
    if (timer.before === null) this.#heads[timer.bucket] = timer.after
    else timer.before.after = timer.after
    if (timer.after !== null) timer.after.before = timer.before
    timer.before = null
    timer.after = null
    timer.bucket = -1
    timer.due = 0
  }

  #sweep(bucket: number): void {
    // One at a time from the front: a callback may arm and disarm any other timer of this bucket. None is linked into the
    // bucket being swept, since a new deadline lies at least one tick ahead and less than a whole turn.
    for (
      let timer = this.#heads[bucket] as WheelTimer | null;
      timer !== null;
      timer = this.#heads[bucket] as WheelTimer | null
    ) {
      this.#unlink(timer)
      if (timer.deadline === 0) continue
      if (timer.deadline > this.#timeMs) this.#link(timer)
      else {
        timer.deadline = 0
        timer.onTimeout()
      }
    }
  }
}
