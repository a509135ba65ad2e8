/** First in, first out. Taking the first of a long array costs as much as the array is long: a backlog would stop the whole load. */
export class Queue<T> {
  #items: T[] = []
  #begin = 0

  get size(): number {
    return this.#items.length - this.#begin
  }

  get first(): T | undefined {
    return this.#items[this.#begin]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined
    const item = this.#items[this.#begin++]
    if (this.#begin > 1024 && this.#begin > this.#items.length / 2) {
      this.#items = this.#items.slice(this.#begin)
      this.#begin = 0
    }
    return item
  }
}
