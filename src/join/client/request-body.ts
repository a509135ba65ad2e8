import { maxKeptBytes } from '../../proxy/exchange.ts'

/** What a caller gives undici for a body, as far as it can be told apart here. */
export type GivenBody = string | Uint8Array | AsyncIterable<Uint8Array | string> | object | null | undefined

/** The body of a call: sent again for another attempt while all that was taken of it is kept. */
export interface RequestBody {
  /** For undici. */
  readonly source: unknown
  /** Whether it may be sent again. */
  readonly isRepeatable: boolean
  /** Whether it comes over time: the request is complete only once its last byte was taken. */
  readonly isStreamed: boolean
  /** Why the caller's own stream broke; null = it did not. */
  readonly error: Error | null
  /** Nobody will send it any more. */
  release(): void
}

/** @param onEnd called when the last byte was taken from a stream */
export function bodyOf(given: GivenBody, onEnd: () => void): RequestBody {
  const isObject = typeof given === 'object' && given !== null && !(given instanceof Uint8Array)
  if (isObject && Symbol.asyncIterator in given) return new StreamedBody(given as Chunks, onEnd)
  const isRepeatable = !isObject || given instanceof Blob || given instanceof FormData
  return { source: given ?? null, isRepeatable, isStreamed: false, error: null, release: () => {} }
}

type Chunk = Uint8Array | string
type Chunks = AsyncIterable<Chunk>

/**
 * A stream that is sent as it comes. Its first 64 KiB are kept, as the gateway does: while there is no more of it, another attempt begins anew and
 * goes on with what still comes. undici iterates it once per attempt, as soon as it has a connection.
 */
class StreamedBody implements RequestBody, Chunks {
  readonly isStreamed = true
  error: Error | null = null
  readonly #given: Chunks
  readonly #onEnd: () => void
  #rest: AsyncIterator<Chunk> | null = null
  /** What was taken; null = too much to be kept. */
  #kept: Chunk[] | null = []
  #keptBytes = 0
  /** Asked for and not taken yet: an attempt that was given up may have left it to the next. */
  #asked: Promise<IteratorResult<Chunk>> | null = null
  #isEnded = false
  #attempts = 0

  constructor(given: Chunks, onEnd: () => void) {
    this.#given = given
    this.#onEnd = onEnd
  }

  get source(): this {
    return this
  }

  get isRepeatable(): boolean {
    return this.#kept !== null
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Chunk, void, void> {
    const attempt = ++this.#attempts
    // Those of this attempt's own are added meanwhile, and are not sent twice.
    for (const chunk of this.#kept?.slice() ?? []) yield chunk
    while (!this.#isEnded) {
      const step = await this.#ask()
      if (attempt !== this.#attempts) return
      this.#asked = null
      if (step.done === true) break
      this.#keep(step.value)
      yield step.value
    }
    this.#isEnded = true
    this.#onEnd()
  }

  release(): void {
    this.#attempts++
    // One that nobody began to take is the caller's still.
    if (this.#isEnded || this.#rest === null) return
    this.#isEnded = true
    // A Node stream: what it waits for would keep its end waiting, too.
    if ('destroy' in this.#given && typeof this.#given.destroy === 'function') return void this.#given.destroy()
    void Promise.resolve(this.#rest.return?.()).catch(() => {})
  }

  #ask(): Promise<IteratorResult<Chunk>> {
    this.#rest ??= this.#given[Symbol.asyncIterator]()
    this.#asked ??= this.#rest.next().catch((error: unknown) => {
      this.error = error instanceof Error ? error : new Error(String(error))
      throw error
    })
    return this.#asked
  }

  #keep(chunk: Chunk): void {
    this.#keptBytes += Buffer.byteLength(chunk)
    if (this.#keptBytes > maxKeptBytes) this.#kept = null
    else this.#kept?.push(chunk)
  }
}
