import type { Answer } from './contract.ts'

/**
 * Between what produces answers and the one consumer of a watch: a slow consumer gets the latest answer instead of a queue of
 * old ones, and never misses that the registry may have forgotten instances in between.
 */
export class AnswerBox {
  #answer: Answer | null = null
  #state: 'open' | 'failed' | 'ended' = 'open'
  #error: unknown = null
  #wake: (() => void) | null = null

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
    this.#answer = { ...answer, mayHaveForgotten }
    this.#wake?.()
  }

  /** The consumer gets the answer it has not taken yet, then this error. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#error = error
    this.#wake?.()
  }

  /** The consumer gets the answer it has not taken yet, then the end. */
  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#wake?.()
  }

  /** The consumer does not want any more: it gets the end at once. */
  cancel(): void {
    this.#answer = null
    this.end()
  }

  /** For one consumer. */
  async *answers(): AsyncGenerator<Answer, void, void> {
    for (;;) {
      const answer = this.#answer
      if (answer !== null) {
        this.#answer = null
        yield answer
      } else if (this.#state === 'failed') throw this.#error
      else if (this.#state === 'ended') return
      else {
        const woken = Promise.withResolvers<void>()
        this.#wake = woken.resolve
        await woken.promise
        this.#wake = null
      }
    }
  }
}
