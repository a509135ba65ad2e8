import type { Answer } from './contract.ts'

/** What the consumer of a watch waits with. */
interface Waiting {
  readonly resolve: (result: IteratorResult<Answer, void>) => void
  readonly reject: (error: unknown) => void
}

/** What a watch does beside its answers. */
export interface WatchLife {
  /** Called with the first wish for an answer; not at all when the watch is over before. */
  readonly begin?: () => void
  /** Called once after that: when the signal aborts, the consumer leaves, or gets the end or the error. */
  readonly over?: () => void
}

const over: IteratorReturnResult<void> = { done: true, value: undefined }

/**
 * Between what produces answers and the one consumer of a watch: a slow consumer gets the latest answer instead of a queue of
 * old ones, and never misses that the registry may have forgotten instances in between.
 *
 * Thousands of watches wait at a time, and for each answer anew. So the consumer's side is methods of the same object and one promise,
 * where a generator would be ten objects more.
 */
export class AnswerBox implements AsyncIterableIterator<Answer, void, void> {
  #answer: Answer | null = null
  #state: 'open' | 'failed' | 'ended' = 'open'
  #error: unknown = null
  #waiting: Waiting | null = null
  #signal: AbortSignal | null = null
  #life: WatchLife = {}
  #hasBegun = false
  /** The consumer has had the end, or the error, or wanted no more. */
  #isOver = false

  /** Whether answers are still wanted. */
  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get hasFailed(): boolean {
    return this.#state === 'failed'
  }

  put(answer: Answer): void {
    if (this.#state !== 'open') return
    const mayHaveForgotten = answer.mayHaveForgotten || (this.#answer?.mayHaveForgotten ?? false)
    this.#answer = answer.mayHaveForgotten === mayHaveForgotten ? answer : { ...answer, mayHaveForgotten }
    this.#wake()
  }

  /** The consumer gets the answer it has not taken yet, then this error. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#error = error
    this.#wake()
  }

  /** The consumer gets the answer it has not taken yet, then the end. */
  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#wake()
  }

  /** The consumer does not want any more: it gets the end at once. */
  cancel(): void {
    this.#answer = null
    this.end()
  }

  /**
   * For one consumer, who is called so once.
   *
   * @param signal cancels, now if it has aborted
   */
  answers(signal?: AbortSignal, life: WatchLife = {}): AsyncIterableIterator<Answer, void, void> {
    this.#signal = signal ?? null
    this.#life = life
    if (signal?.aborted) this.abort()
    else signal?.addEventListener('abort', this, { once: true })
    return this
  }

  /** The signal aborts. */
  handleEvent(): void {
    this.abort()
  }

  /** The watch is over for both sides: a consumer that waits has the end at once, and may ask again. */
  abort(): void {
    this.cancel()
    this.#handOver()
    this.#finish()
  }

  /** One at a time: rejects while another one waits. */
  next(): Promise<IteratorResult<Answer, void>> {
    return new Promise((resolve, reject) => {
      if (this.#waiting !== null) throw new Error('the answer that was asked for before has not come yet')
      this.#waiting = { resolve, reject }
      this.#begin()
      this.#handOver()
    })
  }

  async return(): Promise<IteratorResult<Answer, void>> {
    this.abort()
    return over
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** A moment later, so that of all that is put at once the last counts. */
  #wake(): void {
    if (this.#waiting !== null) queueMicrotask(() => this.#handOver())
  }

  #handOver(): void {
    const waiting = this.#waiting
    if (waiting === null || (this.#answer === null && this.#state === 'open')) return
    this.#waiting = null
    const answer = this.#answer
    this.#answer = null
    if (answer !== null) return waiting.resolve({ done: false, value: answer })
    if (this.#state === 'failed' && !this.#isOver) waiting.reject(this.#error)
    else waiting.resolve(over)
    this.#finish()
  }

  #begin(): void {
    if (this.#hasBegun || this.#isOver) return
    this.#hasBegun = true
    this.#life.begin?.()
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#signal?.removeEventListener('abort', this)
    if (this.#hasBegun) this.#life.over?.()
  }
}
