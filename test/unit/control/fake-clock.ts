import { setImmediate } from 'node:timers/promises'
import type { Cancel, ControlClock } from '../../../src/control/control-clock.ts'

/** Time that moves only by `advance`. Wall time starts at 2026-01-01 and moves along, unless it jumps. */
export class FakeClock implements ControlClock {
  #nowMs = 1_000_000
  #jumpedMs = 0
  #timers: { dueMs: number; task: () => void }[] = []

  readonly now = (): number => this.#nowMs
  readonly wallMs = (): number => Date.UTC(2026, 0, 1) + this.#nowMs - 1_000_000 + this.#jumpedMs
  readonly after = (delayMs: number, task: () => void): Cancel => {
    const timer = { dueMs: this.#nowMs + delayMs, task }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  get timers(): number {
    return this.#timers.length
  }

  /** Time goes on and nothing runs: the event loop stands still. What became due runs late, with the next `advance`. */
  stall(ms: number): void {
    this.#nowMs += ms
  }

  /** Somebody sets the wall clock: it shows so much more, or less, at the same moment. */
  jump(ms: number): void {
    this.#jumpedMs += ms
  }

  /** Runs what becomes due, in order, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settled()
    for (;;) {
      const [next] = this.#timers.filter(({ dueMs }) => dueMs <= endMs).toSorted((a, b) => a.dueMs - b.dueMs)
      if (next === undefined) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.task()
      await settled()
    }
    this.#nowMs = endMs
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await setImmediate()
}

/** Waits for input and output that no event announces. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate()
}
