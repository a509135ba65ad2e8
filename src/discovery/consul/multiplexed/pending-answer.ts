import { type AnswerOptions, type QueryAnswer, TimeIsUp } from './connection.ts'

/** A query that was sent. Thousands wait at a time, for most of their life: it is one object. */
export abstract class PendingAnswer<Taken> {
  readonly #options: AnswerOptions<Taken>
  readonly #resolve: (taken: Taken) => void
  readonly #reject: (error: unknown) => void
  #timer: NodeJS.Timeout | null = null
  #failure: unknown = null

  constructor(options: AnswerOptions<Taken>, resolve: (taken: Taken) => void, reject: (error: unknown) => void) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
  }

  /** To be called once it can be cancelled. */
  begin(): void {
    const { signal, timeoutMs, holds } = this.#options
    if (signal.aborted) return this.handleEvent()
    signal.addEventListener('abort', this, { once: true })
    this.#timer = setTimeout(endInTime, timeoutMs, this)
    if (!holds) this.#timer.unref()
  }

  /** The signal aborts. */
  handleEvent(): void {
    this.end(this.#options.signal.reason)
  }

  end(reason: unknown): void {
    this.fail(reason)
    this.cancel()
  }

  /** Of several failures the first is told. */
  protected fail(reason: unknown): void {
    this.#failure ??= reason
  }

  /** Has the agent hear that nobody waits, and leads to `finish`. */
  protected abstract cancel(): void

  /** To be called once, when nothing more comes. @param answer null = not all of it came */
  finish(answer: QueryAnswer | null): void {
    const { signal, onEnd, take, errorOf } = this.#options
    if (this.#timer !== null) clearTimeout(this.#timer)
    signal.removeEventListener('abort', this)
    onEnd()
    if (this.#failure !== null) return this.#reject(errorOf(this.#failure))
    if (answer === null) return this.#reject(errorOf(new Error('the connection broke before the end of the answer')))
    try {
      this.#resolve(take(answer))
    } catch (error) {
      this.#reject(error)
    }
  }
}

function endInTime(pending: Pick<PendingAnswer<unknown>, 'end'>): void {
  pending.end(new TimeIsUp())
}
