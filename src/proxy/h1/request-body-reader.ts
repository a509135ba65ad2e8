import { ChunkedDecoder, type ChunkSink } from './chunked.ts'
import type { RequestHead } from './request-head.ts'

/** Reads the request bodies of one connection, one after the other, in however many pieces they come. */
export class RequestBodyReader {
  isDone = true
  /** What came is no chunked body. */
  isBroken = false
  /** Bytes still to come, of a body with Content-Length. */
  #remaining = 0
  /** Null for a body with Content-Length. */
  #decoder: ChunkedDecoder | null = null

  /** Lines to forward, each with its CRLF; set when done. */
  get trailers(): string {
    return this.#decoder === null ? '' : this.#decoder.trailers
  }

  /** The body that follows this head. */
  begin({ chunked, contentLength }: RequestHead): void {
    this.isDone = false
    this.isBroken = false
    this.#remaining = contentLength
    this.#decoder = chunked ? new ChunkedDecoder() : null
  }

  /** @returns index behind the last byte used: `end`, or less when the body ended before or is broken */
  take(bytes: Buffer, at: number, end: number, sink: ChunkSink): number {
    const decoder = this.#decoder
    if (decoder !== null) {
      const next = decoder.push(bytes, at, end, sink)
      this.isDone = decoder.isDone
      this.isBroken = decoder.isBroken
      return next
    }
    const next = Math.min(end, at + this.#remaining)
    this.#remaining -= next - at
    this.isDone = this.#remaining === 0
    sink.bodySlice(bytes, at, next)
    return next
  }
}
