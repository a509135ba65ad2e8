/** What a list of open connections keeps with each of them. */
export interface Listed {
  /** Its index in the list, -1 outside; the list's own. */
  listIndex: number
}

/**
 * The open connections of a listener, in no order. A Set would hold them too, but leaves a chain of tables behind as connections come
 * and go, each of which keeps those of its time alive until the whole heap is collected: collections of young objects took 20 to 50 ms
 * where there are many short connections, instead of 1.
 */
export class OpenConnections<C extends Listed> {
  readonly #list: C[] = []

  get size(): number {
    return this.#list.length
  }

  add(connection: C): void {
    connection.listIndex = this.#list.length
    this.#list.push(connection)
  }

  /** @returns false when it is not in the list */
  remove(connection: C): boolean {
    const { listIndex } = connection
    if (listIndex === -1) return false
    const last = this.#list.pop() as C
    if (last !== connection) {
      this.#list[listIndex] = last
      last.listIndex = listIndex
    }
    connection.listIndex = -1
    return true
  }

  /** Those of this moment: they may go while they are looked at. */
  all(): readonly C[] {
    return [...this.#list]
  }
}
