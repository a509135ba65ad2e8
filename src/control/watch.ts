import { isDeepStrictEqual } from 'node:util'
import type { Instance } from '../core/instance.ts'
import type { Answer } from '../discovery/contract.ts'
import { keptObjects } from '../discovery/kept-objects.ts'
import { fullJitterMs } from '../util/backoff.ts'
import type { Random } from '../util/random.ts'
import type { ControlClock } from './control-clock.ts'

const minBackoffMs = 100
const maxBackoffMs = 10_000

/** A registry's answer, with what the gateway knows of the time before it. */
export interface WatchedAnswer {
  readonly instances: readonly Instance[]
  /** See Answer. */
  readonly unresolved: readonly Instance[]
  readonly position: number | null
  /** The first answer after the registry could not be asked: it may have lost its memory meanwhile. */
  readonly afterOutage: boolean
  /** The registry's position is behind one it has shown before: it has lost its memory. */
  readonly wentBackwards: boolean
}

export interface WatchListener {
  /** @param changed false when the list is the one before, and the answer only ends an outage */
  answered(answer: WatchedAnswer, changed: boolean): void
  /** The same list again, in no doubt. */
  unchanged(): void
  /** @param first false for further failures of one outage */
  failed(error: unknown, first: boolean): void
}

export interface WatchOptions {
  readonly open: (signal: AbortSignal) => AsyncIterable<Answer>
  readonly clock: ControlClock
  readonly random: Random
  readonly listener: WatchListener
  /** What an earlier process saw last; null when there is nothing to compare the first answer with. */
  readonly remembered: { readonly position: number | null; readonly ageMs: number } | null
  /** True when this watch takes the place of one that was in an outage: its first answer ends that outage. */
  readonly afterOutage: boolean
}

/**
 * Keeps one discovery watch running until it is stopped. Whatever the watch throws, and its ending by itself, is an outage:
 * the last good answer stays in force, and the watch is opened again after 100 ms–10 s with full jitter.
 */
export class ServiceWatch {
  readonly #options: WatchOptions
  readonly #abort = new AbortController()
  #done: Promise<void> = Promise.resolve()
  #said: Pick<WatchedAnswer, 'instances' | 'unresolved'> | null = null
  #position: number | null
  /** `opening` until the first answer or failure, then `answered` or `lost`. */
  #state: 'opening' | 'answered' | 'lost' = 'opening'
  /** True until an answer comes, after anything failed. */
  #inDoubt: boolean
  #goodAtMs: number
  #failures = 0

  constructor(options: WatchOptions) {
    this.#options = options
    this.#position = options.remembered?.position ?? null
    this.#inDoubt = options.afterOutage
    this.#goodAtMs = options.clock.now() - (options.remembered?.ageMs ?? 0)
  }

  start(): void {
    this.#done = this.#run()
  }

  /** Nothing is reported any more; resolves when the discovery has let go. */
  stop(): Promise<void> {
    this.#abort.abort()
    return this.#done
  }

  /** True while the registry's last word is an answer. */
  get connected(): boolean {
    return this.#state === 'answered'
  }

  /** True from a failure until the next answer. */
  get lost(): boolean {
    return this.#state === 'lost'
  }

  /** 0 while connected; else since the last good answer, or since the start when there was none. */
  ageMs(): number {
    return this.connected ? 0 : Math.max(0, this.#options.clock.now() - this.#goodAtMs)
  }

  async #run(): Promise<void> {
    const { open, clock, random } = this.#options
    const { signal } = this.#abort
    while (!signal.aborted) {
      let answeredAtMs = Infinity
      try {
        for await (const answer of open(signal)) {
          if (signal.aborted) return
          answeredAtMs = Math.min(answeredAtMs, clock.now())
          this.#take(answer)
        }
        if (!signal.aborted) throw new Error('the watch ended by itself')
      } catch (error) {
        if (signal.aborted) return
        // A registry that answers at once and then fails again and again must not be asked ten times a second.
        this.#failures = clock.now() - answeredAtMs >= maxBackoffMs ? 1 : this.#failures + 1
        this.#fail(error)
        await pause(fullJitterMs(this.#failures, minBackoffMs, maxBackoffMs, random), clock, signal)
      }
    }
  }

  #take({ unresolved = [], position, mayHaveForgotten, ...answer }: Answer): void {
    const { clock, listener } = this.#options
    const afterOutage = this.#inDoubt
    const wentBackwards =
      mayHaveForgotten || (position !== null && this.#position !== null && position < this.#position)
    const instances = keptObjects(answer.instances, this.#said?.instances ?? [])
    const said = { instances, unresolved }
    const changed = !isDeepStrictEqual(said, this.#said)
    this.#state = 'answered'
    this.#inDoubt = false
    this.#goodAtMs = clock.now()
    this.#position = position
    this.#said = said
    if (!changed && !afterOutage && !wentBackwards) listener.unchanged()
    else listener.answered({ ...said, position, afterOutage, wentBackwards }, changed)
  }

  #fail(error: unknown): void {
    const first = this.#state !== 'lost'
    // While connected the last answer held good until now.
    if (this.#state === 'answered') this.#goodAtMs = this.#options.clock.now()
    this.#state = 'lost'
    this.#inDoubt = true
    this.#options.listener.failed(error, first)
  }
}

/** Resolves after that time, or when the signal aborts. */
export function pause(delayMs: number, clock: ControlClock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      signal.removeEventListener('abort', end)
      cancel()
      resolve()
    }
    const cancel = clock.after(delayMs, end)
    signal.addEventListener('abort', end)
  })
}
