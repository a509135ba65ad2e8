import type { Answer } from './contract.ts'

/** What the consumer of a watch waits with. */
interface Waiting {
  readonly resolve: (result: IteratorResult<Answer, void>) => void
  readonly reject: (error: unknown) => void
}

const over: IteratorReturnResult<void> = { done: true, value: undefined }

/**
 * Between what produces answers and the one consumer of a watch: a slow consumer gets the latest answer instead of a queue of
 * old ones, and never misses that the registry may have forgotten instances in between.
 *
 * Thousands of watches wait at a time, and each answer has one wait anew: it is one promise, where a generator would be ten objects more.
 */
export class AnswerBox {
  #answer: Answer | null = null
  #state: 'open' | 'failed' | 'ended' = 'open'
  #error: unknown = null
  #waiting: Waiting | null = null
  readonly #handOver = () => this.#answerWaiting()
  /** Null once the consumer has the end. */
  #onOver: (() => void) | null = () => {}

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
   * For one consumer.
   *
   * @param signal cancels, now if it has aborted
   * @param onOver called once: at that, or when the consumer leaves, or gets the end or the error
   */
  answers(signal?: AbortSignal, onOver?: () => void): AsyncIterableIterator<Answer, void, void> {
    const cancel = () => {
      this.cancel()
      this.#finish()
    }
    this.#onOver = () => {
      signal?.removeEventListener('abort', cancel)
      onOver?.()
    }
    if (signal?.aborted) cancel()
    else signal?.addEventListener('abort', cancel, { once: true })
    return {
      [Symbol.asyncIterator]() {
        return this
      },
      next: () => this.#next(),
      return: async () => {
        cancel()
        return over
      },
    }
  }

  #next(): Promise<IteratorResult<Answer, void>> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#answerWaiting()
    })
  }

  /** A moment later, so that of all that is put at once the last counts. */
  #wake(): void {
    if (this.#waiting !== null) queueMicrotask(this.#handOver)
  }

  #answerWaiting(): void {
    const waiting = this.#waiting
    if (waiting === null || (this.#answer === null && this.#state === 'open')) return
    this.#waiting = null
    const answer = this.#answer
    this.#answer = null
    if (answer !== null) return waiting.resolve({ done: false, value: answer })
    const isTold = this.#onOver === null
    this.#finish()
    if (this.#state === 'failed' && !isTold) waiting.reject(this.#error)
    else waiting.resolve(over)
  }

  #finish(): void {
    const onOver = this.#onOver
    this.#onOver = null
    onOver?.()
  }
}
