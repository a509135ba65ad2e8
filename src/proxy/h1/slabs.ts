/** As much as one read brings, and framing. */
const slabBytes = 320 * 1024
const maxSpare = 4

/** Buffers of one thread for gathering what a single write sends; each is given back before the next event. */
export class Slabs {
  readonly #spare: Buffer[] = []

  /** @param bytes that must fit */
  take(bytes: number): Buffer {
    if (bytes > slabBytes) return Buffer.allocUnsafeSlow(bytes)
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(slabBytes)
  }

  give(slab: Buffer): void {
    if (slab.length === slabBytes && this.#spare.length < maxSpare) this.#spare.push(slab)
  }
}
