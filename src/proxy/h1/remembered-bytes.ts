/** Longer ones are not compared. */
const maxBytes = 4096
/** After so many in a row that differed, it is not tried for a while. */
const maxMisses = 8
const restAfterMisses = 64

/**
 * Bytes that came last, to see at once that the same come again: the clients of a service and its endpoints repeat themselves, and
 * what was parsed once need not be parsed again. Costs little where nothing is repeated.
 */
export class RememberedBytes {
  #bytes: Buffer | null = null
  #length = 0
  #misses = 0

  /** How many they are; 0 when there are none. */
  get length(): number {
    return this.#length
  }

  /** True when they stand at `at` again. */
  isAt(bytes: Buffer, at: number, end: number): boolean {
    const own = this.#bytes
    const length = this.#length
    if (own === null || length === 0) return false
    if (at + length <= end && bytes.compare(own, 0, length, at, at + length) === 0) {
      this.#misses = 0
      return true
    }
    this.#length = 0
    this.#misses++
    return false
  }

  forget(): void {
    this.#length = 0
  }

  /** Copies them. */
  set(bytes: Buffer, start: number, end: number): void {
    const length = end - start
    this.#length = 0
    if (length > maxBytes || this.#isResting()) return
    if (this.#bytes === null || this.#bytes.length < length) this.#bytes = Buffer.allocUnsafe(length)
    bytes.copy(this.#bytes, 0, start, end)
    this.#length = length
  }

  #isResting(): boolean {
    if (this.#misses < maxMisses) return false
    if (++this.#misses > maxMisses + restAfterMisses) this.#misses = 0
    return true
  }
}
