import type { Cancel, ControlClock } from './control-clock.ts'

/** Does something at most once per interval: at once where it can, else when the interval is over, once for all who asked. */
export class Pace {
  readonly #clock: ControlClock
  readonly #intervalMs: number
  readonly #task: () => void
  #isAsked = false
  #cancel: Cancel | null = null

  constructor(clock: ControlClock, intervalMs: number, task: () => void) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#task = task
  }

  ask(): void {
    if (this.#cancel !== null) {
      this.#isAsked = true
      return
    }
    this.#isAsked = false
    this.#cancel = this.#clock.after(this.#intervalMs, () => {
      this.#cancel = null
      if (this.#isAsked) this.ask()
    })
    this.#task()
  }

  /** For what is rare: done at once, or with what an interval gathers. It begins none, so nobody waits because of it. */
  askAside(): void {
    if (this.#cancel === null) this.#task()
    else this.#isAsked = true
  }

  /** Does at once what was asked for and still waits; the next interval begins. */
  hurry(): void {
    if (!this.#isAsked) return
    this.close()
    this.ask()
  }

  /** Does what was asked for and still waits, and ends. */
  finish(): void {
    this.hurry()
    this.close()
  }

  /** Nothing is done from now on. */
  close(): void {
    this.#cancel?.()
    this.#cancel = null
    this.#isAsked = false
  }
}
