import type { Cancel, ControlClock } from './control-clock.ts'

/** Does something at most once per interval: at once where it can, else when the interval is over, once for all who asked. */
export class Pace {
  readonly #clock: ControlClock
  readonly #intervalMs: number
  readonly #task: () => void
  #isAsked = false
  /** Nothing was done in the interval that is on: who can't wait need not. */
  #isIdle = false
  #cancel: Cancel | null = null

  constructor(clock: ControlClock, intervalMs: number, task: () => void) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#task = task
  }

  ask(): void {
    if (this.#cancel !== null && !this.#isIdle) {
      this.#isAsked = true
      return
    }
    this.close()
    this.#begin()
    this.#task()
  }

  /** For what can wait: done with what the next one asks for, or when an interval is over. Nobody has to wait because of it. */
  askIdly(): void {
    if (this.#cancel === null) {
      this.#begin()
      this.#isIdle = true
    }
    this.#isAsked = true
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
    this.#isIdle = false
  }

  #begin(): void {
    this.#cancel = this.#clock.after(this.#intervalMs, () => {
      const isAsked = this.#isAsked
      this.close()
      if (isAsked) this.ask()
    })
  }
}
