import { maxKeptBytes } from '../../proxy/exchange.ts'

/** What a caller gives undici for a body, as far as it can be told apart here. */
export type GivenBody = string | Uint8Array | AsyncIterable<Uint8Array | string> | object | null | undefined

/** The body of a call: sent again for another attempt where it is kept whole, else once. */
export interface RequestBody {
  /** For undici. */
  readonly source: unknown
  /** Whether it may be sent again: all of it is here, or nothing was taken yet. */
  readonly isRepeatable: boolean
  /** Why the caller's own stream broke; null = it did not. */
  readonly error: unknown
}

/**
 * Takes a body into hand. Streams are read up to 64 KiB ahead, as the gateway does: one that ends within is kept, and can be repeated.
 *
 * @param onEnd called once the last byte was taken from a stream that is not kept
 */
export async function takeBody(given: GivenBody, onEnd: () => void): Promise<RequestBody> {
  if (given === null || given === undefined || typeof given === 'string' || given instanceof Uint8Array) {
    return { source: given ?? null, isRepeatable: true, error: null }
  }
  if (!isAsyncIterable(given)) return { source: given, isRepeatable: false, error: null }
  const iterator = given[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  for (let length = 0; length <= maxKeptBytes;) {
    const step = await iterator.next()
    if (step.done === true) return { source: Buffer.concat(head), isRepeatable: true, error: null }
    const bytes = typeof step.value === 'string' ? Buffer.from(step.value) : step.value
    head.push(bytes)
    length += bytes.length
  }
  return new StreamedBody(head, iterator, onEnd)
}

/** Whether taking it needs a wait. */
export function isStreamed(given: GivenBody): boolean {
  return typeof given === 'object' && given !== null && !(given instanceof Uint8Array) && isAsyncIterable(given)
}

/** The beginning of a long stream and the rest of it; undici iterates it once it has a connection. */
class StreamedBody implements RequestBody, AsyncIterable<Uint8Array | string> {
  readonly #head: readonly Uint8Array[]
  readonly #rest: AsyncIterator<Uint8Array | string>
  readonly #onEnd: () => void
  #isTaken = false
  error: unknown = null

  constructor(head: readonly Uint8Array[], rest: AsyncIterator<Uint8Array | string>, onEnd: () => void) {
    this.#head = head
    this.#rest = rest
    this.#onEnd = onEnd
  }

  get source(): this {
    return this
  }

  get isRepeatable(): boolean {
    return !this.#isTaken
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array | string, void, void> {
    this.#isTaken = true
    for (const bytes of this.#head) yield bytes
    try {
      yield* { [Symbol.asyncIterator]: () => this.#rest }
    } catch (error) {
      this.error = error
      throw error
    }
    this.#onEnd()
  }
}

function isAsyncIterable(value: object): value is AsyncIterable<Uint8Array | string> {
  return Symbol.asyncIterator in value
}
