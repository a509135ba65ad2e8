import { maxRestBytes } from '../rest-of-body.ts'
import { ChunkedDecoder, type ChunkSink } from './chunked.ts'
import type { RequestHead } from './request-head.ts'

const nowhere: ChunkSink = { bodySlice() {} }

/** Reads the request bodies of one connection, one after the other, in however many pieces they come. */
export class RequestBodyReader {
  isDone = true
  /** What came is no chunked body, or too much to be dropped. */
  isBroken = false
  /** Bytes still to come, of a body with Content-Length. */
  #remaining = 0
  /** Null for a body with Content-Length. */
  #decoder: ChunkedDecoder | null = null
  #droppedBytes = 0

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
    this.#droppedBytes = 0
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

  /** The same for a body that nobody wants any more. Its framing counts, since it may be more than the body. */
  drop(bytes: Buffer, at: number, end: number): number {
    const next = this.take(bytes, at, end, nowhere)
    this.#droppedBytes += next - at
    if (this.#droppedBytes > maxRestBytes) this.isBroken = true
    return next
  }
}
