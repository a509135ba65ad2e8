import { write, writeSync } from 'node:fs'
import type { LogSink } from './log-sink.ts'

export interface LogWriterOptions {
  /** Lines beyond this backlog are dropped; default 1 MiB. */
  readonly maxBacklogBytes?: number
  /** Called for every dropped line. */
  readonly onDropped?: () => void
}

/** How long lines are gathered soon after a write, or always where a write takes the thread pool. A write costs as much as twenty lines. */
const gatherMs = 10
const firstRetryMs = 1
const lastRetryMs = 50

/**
 * Writes log lines of one thread: collects them and hands over one chunk of whole lines per write, after a quiet time with the next
 * turn of the event loop, else once per 10 ms or chunk. It never waits for a slow reader: what does not fit the backlog, or can't be
 * written at all, is dropped and counted.
 */
export class LogWriter {
  readonly #sink: LogSink
  readonly #maxBacklogBytes: number
  readonly #onDropped: () => void
  /** Chunks of whole lines, oldest first; the last one is still filled. */
  #chunks: string[] = []
  #backlogBytes = 0
  #dropped = 0
  /** True from when a turn of writing is asked for until the backlog is empty. */
  #busy = false
  /** True while the thread pool holds the first chunk. */
  #inPool = false
  #wroteAtMs = -Infinity
  #retryMs = firstRetryMs
  #retry: NodeJS.Timeout | null = null
  #gathering: NodeJS.Timeout | null = null
  #whenEmpty: (() => void) | null = null
  #closed = false

  constructor(sink: LogSink, { maxBacklogBytes = 1024 * 1024, onDropped = () => {} }: LogWriterOptions = {}) {
    this.#sink = sink
    this.#maxBacklogBytes = maxBacklogBytes
    this.#onDropped = onDropped
  }

  /** Lines dropped since the start. */
  get dropped(): number {
    return this.#dropped
  }

  /**
   * @param line ASCII, with its line feed; up to `atomicBytes` long to stay whole where several threads write to one pipe
   */
  write(line: string): void {
    // After close() the descriptor's number may already belong to a socket.
    if (this.#closed || this.#backlogBytes + line.length > this.#maxBacklogBytes) {
      this.#drop(1)
      return
    }
    this.#backlogBytes += line.length
    const last = this.#chunks.length - 1
    const open = this.#chunks[last]
    const fits = open !== undefined && open.length + line.length <= this.#sink.chunkBytes
    // A chunk is full. It goes alone: with the line that did not fit there would be a second write, of that line.
    if (!fits && this.#gathering !== null) this.#endGathering()
    // The first chunk may be with the thread pool already, or written: it is not touched then.
    if (fits && !(last === 0 && this.#inPool)) this.#chunks[last] = open + line
    else this.#chunks.push(line)
    if (!this.#busy) this.#ask()
  }

  /** For the end of a process that can't wait for events: writes the backlog, or what the reader takes of it in time. */
  flushSync(timeoutMs = 200): void {
    // Whoever waits in the pool may wait for a reader that will never read: joining it would hang the exit.
    if (this.#inPool) return
    const pause = new Int32Array(new SharedArrayBuffer(4))
    for (let waitedMs = 0; !this.#writeNow() && waitedMs < timeoutMs; waitedMs += 5) Atomics.wait(pause, 0, 0, 5)
  }

  /** Takes no more lines; resolves when the backlog is written, or given up after `timeoutMs`. The sink stays open. */
  async close(timeoutMs = 1000): Promise<void> {
    this.#closed = true
    if (this.#gathering !== null) this.#endGathering()
    if (this.#chunks.length > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const deadline = setTimeout(resolve, timeoutMs)
      this.#whenEmpty = resolve
      await promise
      clearTimeout(deadline)
    }
    if (this.#retry !== null) clearTimeout(this.#retry)
    while (this.#chunks.length > 0) this.#dropFirst()
  }

  #ask(): void {
    this.#busy = true
    if (!this.#sink.mayBlock && performance.now() - this.#wroteAtMs >= gatherMs) setImmediate(() => this.#writeOut())
    else this.#gathering = setTimeout(() => this.#endGathering(), gatherMs)
  }

  #endGathering(): void {
    if (this.#gathering !== null) clearTimeout(this.#gathering)
    this.#gathering = null
    this.#writeOut()
  }

  #writeOut(): void {
    if (this.#sink.mayBlock) this.#writeInPool()
    else if (!this.#writeNow()) {
      this.#retry = setTimeout(() => this.#writeOut(), this.#retryMs)
      this.#retryMs = Math.min(this.#retryMs * 2, lastRetryMs)
    }
  }

  /** False when the reader has no room now. */
  #writeNow(): boolean {
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      try {
        this.#written(chunk, writeSync(this.#sink.fd, chunk, null, 'latin1'))
        this.#retryMs = firstRetryMs
      } catch (error) {
        if (isFull(error)) return false
        this.#dropFirst()
      }
    }
    this.#empty()
    return true
  }

  #writeInPool(): void {
    const [chunk] = this.#chunks
    if (chunk === undefined) {
      this.#empty()
      return
    }
    this.#inPool = true
    write(this.#sink.fd, chunk, null, 'latin1', (error, bytes) => {
      this.#inPool = false
      // Given up by close() meanwhile.
      if (this.#chunks[0] !== chunk) return
      if (error === null) this.#written(chunk, bytes)
      else if (isFull(error)) {
        this.#retry = setTimeout(() => this.#writeOut(), lastRetryMs)
        return
      } else this.#dropFirst()
      this.#writeInPool()
    })
  }

  #written(chunk: string, bytes: number): void {
    this.#backlogBytes -= bytes
    if (bytes < chunk.length) this.#chunks[0] = chunk.slice(bytes)
    else this.#chunks.shift()
  }

  #empty(): void {
    this.#busy = false
    this.#wroteAtMs = performance.now()
    this.#whenEmpty?.()
  }

  #dropFirst(): void {
    const chunk = this.#chunks.shift() ?? ''
    this.#backlogBytes -= chunk.length
    this.#drop(chunk.split('\n').length - 1)
  }

  #drop(lines: number): void {
    this.#dropped += lines
    for (let i = 0; i < lines; i++) this.#onDropped()
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}
