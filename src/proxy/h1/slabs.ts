/** Buffers of one size that one thread uses again and again. */
export class Slabs {
  readonly #bytes: number
  readonly #maxSpare: number
  readonly #spare: Buffer[] = []

  /**
   * @param bytes of each
   * @param maxSpare so many are kept unused
   */
  constructor(bytes: number, maxSpare: number) {
    this.#bytes = bytes
    this.#maxSpare = maxSpare
  }

  /** @param bytes that must fit; beyond the size of all, a buffer that is not kept */
  take(bytes: number): Buffer {
    if (bytes > this.#bytes) return Buffer.allocUnsafeSlow(bytes)
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#bytes)
  }

  /** @param slab nobody reads or writes it any more */
  give(slab: Buffer): void {
    if (slab.length === this.#bytes && this.#spare.length < this.#maxSpare) this.#spare.push(slab)
  }
}
