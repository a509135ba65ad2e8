import type { Ask, Reading } from './client.ts'
import { QueryIndex, type IndexMove } from './query-index.ts'

export interface PolledReading<Body> extends Reading<Body> {
  readonly move: IndexMove
}

/**
 * One blocking query after another, each when its consumer asks for it: one that pauses slows them down. Thousands wait at a time, so
 * there is nothing in it that waits but the query itself.
 */
export class Poll<Body> {
  readonly #ask: Ask<Body>
  readonly #signal: AbortSignal
  readonly #index = new QueryIndex()

  constructor(ask: Ask<Body>, signal: AbortSignal) {
    this.#ask = ask
    this.#signal = signal
  }

  /** Takes the next answer, also one that shows nothing new. Rejects as `Ask` does. @param take see Wire */
  next<Taken>(take: (reading: PolledReading<Body>) => Taken): Promise<Taken> {
    const accept = (reading: Reading<Body>) => take({ ...reading, move: this.#index.accept(reading.index) })
    return this.#ask({ index: this.#index.next, signal: this.#signal }, accept)
  }
}
