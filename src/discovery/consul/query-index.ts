/** How the index of an answer stands to the one before. */
export type IndexMove = 'first' | 'same' | 'forward' | 'back'

/**
 * The index of one blocking query, by the rules of https://developer.hashicorp.com/consul/api-docs/features/blocking: an index
 * that went backwards is not waited on, the next query asks for an answer at once.
 */
export class QueryIndex {
  #seen: number | null = null
  #isUsable = false

  /** To send with the next query; null = ask for an answer at once. */
  get next(): number | null {
    return this.#isUsable ? this.#seen : null
  }

  /** Takes over the index of an answer. */
  accept(index: number): IndexMove {
    const seen = this.#seen
    this.#seen = index
    this.#isUsable = seen === null || index >= seen
    if (seen === null) return 'first'
    if (index < seen) return 'back'
    return index === seen ? 'same' : 'forward'
  }
}
