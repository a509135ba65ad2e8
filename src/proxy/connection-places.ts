import type { KeyedCounts } from '../core/keyed-counts.ts'
import type { Ledger } from '../core/ledger.ts'
import type { LimitedCount } from '../core/limited-count.ts'
import type { ListenerSettings } from '../core/snapshot.ts'

/** Answers of `take` that are no row of a client: the limits don't allow it, or clients are not counted. */
export const noPlace = -1
export const uncountedClient = -2

/** The places for client connections that a listener has over all data threads, as one thread takes them and gives them back. */
export class ConnectionPlaces {
  readonly #ledger: Ledger
  readonly #column: number
  readonly #slot: number
  readonly #all: LimitedCount
  #limits: ListenerSettings['limits']
  /** Null while connections per client are not limited, and never were. */
  #clients: KeyedCounts | null

  constructor(ledger: Ledger, column: number, { slot, limits }: ListenerSettings) {
    this.#ledger = ledger
    this.#column = column
    this.#slot = slot
    this.#all = ledger.listener(slot, column)
    this.#limits = limits
    this.#clients = ledger.clients(slot, column)
  }

  /** New limits, for connections from now on. */
  limit(limits: ListenerSettings['limits']): void {
    this.#limits = limits
    this.#clients ??= this.#ledger.clients(this.#slot, this.#column)
  }

  /** @returns the place, for `giveBack`; or `noPlace` */
  take(address: string): number {
    const { connections, connectionsPerClient } = this.#limits
    // First the client's: what it may not have must not stand in another's way for a moment.
    const client = connectionsPerClient === null ? uncountedClient : this.#takeClient(address, connectionsPerClient)
    if (client === noPlace || this.#all.acquire(connections)) return client
    if (client !== uncountedClient) this.#clients?.release(client)
    return noPlace
  }

  giveBack(place: number): void {
    if (place !== uncountedClient) this.#clients?.release(place)
    this.#all.release()
  }

  /** The place of a connection that stood before clients were counted, once they are. */
  count(place: number, address: string): number {
    if (place !== uncountedClient || this.#limits.connectionsPerClient === null) return place
    const client = this.#takeClient(address, Infinity)
    return client === noPlace ? uncountedClient : client
  }

  /** Without room in the table the client is refused: the limit is kept without exception. */
  #takeClient(address: string, limit: number): number {
    const row = this.#clients?.acquire(address, limit) ?? noPlace
    return row < 0 ? noPlace : row
  }
}
