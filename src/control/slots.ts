/**
 * Rows of the Ledger, by number. A row is used again only when nothing counts in it any more (`isIdle`) and no data thread
 * can still name it (the condition given to `retire`); until then it waits.
 */
export class SlotAllocator {
  readonly #reserve: (rows: number) => void
  readonly #isIdle: (slot: number) => boolean
  readonly #clear: (slot: number) => void
  readonly #free: number[] = []
  #retired: { slot: number; isUnseen: () => boolean }[] = []
  #rows = 0

  /**
   * @param rows.reserve makes room for so many rows
   * @param rows.isIdle asked once the row is unseen
   * @param rows.clear zeroes a row that is about to be used again
   */
  constructor(rows: {
    reserve: (rows: number) => void
    isIdle: (slot: number) => boolean
    clear: (slot: number) => void
  }) {
    this.#reserve = rows.reserve
    this.#isIdle = rows.isIdle
    this.#clear = rows.clear
  }

  allot(): number {
    const used = this.#free.pop()
    if (used !== undefined) return used
    this.#reserve(this.#rows + 1)
    return this.#rows++
  }

  /** Its owner is gone. @param isUnseen true once every data thread acknowledged a state without it */
  retire(slot: number, isUnseen: () => boolean): void {
    this.#retired.push({ slot, isUnseen })
  }

  /** Frees the retired rows that may be used again. */
  collect(): void {
    if (this.#retired.length === 0) return
    this.#retired = this.#retired.filter(({ slot, isUnseen }) => {
      // In this order: a thread that may still see the row can put something in flight after we looked.
      if (!isUnseen() || !this.#isIdle(slot)) return true
      this.#clear(slot)
      this.#free.push(slot)
      return false
    })
  }
}
