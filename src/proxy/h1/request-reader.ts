import type { Failure } from '../../core/failure.ts'
import type { ListenerSettings } from '../../core/snapshot.ts'
import { HeadReader } from './head-reader.ts'
import { RepeatedRequest } from './repeated-request.ts'
import { parseRequestHead, RequestHead } from './request-head.ts'

/** Reads the requests of one connection: their heads, one after the other, in however many pieces they come. */
export class RequestReader {
  /** The last one read. */
  readonly head = new RequestHead()
  /** Why what came is no request, or null. */
  failure: Failure | null = null
  /** True when `failure` is about a head that came whole, so that `head` tells as much of it as could be read. */
  isWhole = false
  readonly #reader = new HeadReader()
  readonly #repeated = new RepeatedRequest()

  /** True while no request has begun. */
  get isEmpty(): boolean {
    return this.#reader.isEmpty
  }

  /**
   * @param end of what was read
   * @returns index behind the last byte used; then `isWhole` or `failure` is set, or neither: more is needed
   */
  take(bytes: Buffer, at: number, end: number, limits: ListenerSettings['limits']): number {
    this.isWhole = true
    this.failure = null
    const reader = this.#reader
    if (reader.isEmpty) {
      const repeated = this.#repeated.take(bytes, at, end, this.head, limits)
      if (repeated !== -1) return repeated
    }
    const next = reader.take(bytes, at, end, limits.headBytes)
    if (reader.head === null) {
      this.isWhole = false
      this.failure = reader.failure
      return reader.failure === null ? next : end
    }
    const { head, headEnd } = reader
    const start = next - headEnd - terminatorBytes
    const isContiguous = start >= at
    this.failure = isContiguous
      ? parseRequestHead(head, limits.headFields, this.head, headEnd, bytes, start)
      : parseRequestHead(head, limits.headFields, this.head, headEnd)
    if (this.failure === null) this.#repeated.parsed(bytes, isContiguous ? start : -1, next, this.head, limits)
    return next
  }
}

const terminatorBytes = 4
