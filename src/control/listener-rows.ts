import type { Ledger } from '../core/ledger.ts'
import type { ListenerSettings } from '../core/snapshot.ts'
import type { ListenerEntry } from './control-config.ts'
import { SlotAllocator } from './slots.ts'

/**
 * Rows of the Ledger for listeners, by name: a listener that moves to another address counts its connections on, those that
 * drain at the old one included.
 */
export class ListenerRows {
  readonly #ledger: Ledger
  readonly #slots: SlotAllocator
  readonly #byName = new Map<string, number>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    this.#slots = new SlotAllocator({
      reserve: (rows) => ledger.reserveListeners(rows),
      isIdle: (slot) => ledger.listener(slot, -1).count() === 0,
      clear: (slot) => ledger.listener(slot, -1).clear(),
    })
  }

  /**
   * Gives every listener its row, and a table of clients to those that limit connections per client.
   *
   * @param isUnseen true once no data thread has the listeners of before any more
   */
  place(listeners: readonly ListenerEntry[], isUnseen: () => boolean): ListenerSettings[] {
    const names = new Set(listeners.map(({ name }) => name))
    for (const [name, slot] of this.#byName) {
      if (names.has(name)) continue
      this.#byName.delete(name)
      this.#slots.retire(slot, isUnseen)
    }
    return listeners.map((listener) => {
      const slot = this.#byName.get(listener.name) ?? this.#slots.allot()
      this.#byName.set(listener.name, slot)
      const { connections, connectionsPerClient } = listener.limits
      if (connectionsPerClient !== null) this.#ledger.reserveClients(slot, connections)
      return { ...listener, slot }
    })
  }

  /** Frees the rows of listeners that are gone with all their connections. */
  collect(): void {
    this.#slots.collect()
  }
}
