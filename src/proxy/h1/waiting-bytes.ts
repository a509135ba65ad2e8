/** What may come behind the request under way before reading is paused. */
const maxWaitingBytes = 64 * 1024

/** Bytes of a client that wait: for the answer under way, or for the client to take the answers before. */
export class WaitingBytes {
  #bytes: Buffer | null = null

  get isEmpty(): boolean {
    return this.#bytes === null
  }

  /**
   * Reading goes on for a while behind them: a client that goes away is noticed by reading only.
   *
   * @param isShared they are in the thread's read buffer, and have to be copied; else they waited before
   * @returns false when no more should be read for now
   */
  keep(bytes: Buffer, start: number, end: number, isShared: boolean): boolean {
    const kept = bytes.subarray(start, end)
    this.#bytes = isShared ? Buffer.from(kept) : kept
    return end - start < maxWaitingBytes
  }

  take(): Buffer | null {
    const bytes = this.#bytes
    this.#bytes = null
    return bytes
  }

  /** What waited, with what came behind it. @returns null when nothing waited */
  takeWith(bytes: Buffer, start: number, end: number): Buffer | null {
    const waiting = this.take()
    return waiting === null ? null : Buffer.concat([waiting, bytes.subarray(start, end)])
  }
}
