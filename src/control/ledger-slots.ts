import type { Ledger } from '../core/ledger.ts'
import { SlotAllocator } from './slots.ts'

/** Rows of the Ledger for services. */
export function serviceSlots(ledger: Ledger): SlotAllocator {
  return new SlotAllocator({
    reserve: (rows) => void ledger.reserve(0, rows),
    isIdle: (slot) => ledger.admission(slot, -1).isIdle(),
    clear: (slot) => {
      ledger.service(slot).clear()
      ledger.admission(slot, -1).clear()
    },
  })
}

/** And for endpoints. */
export function endpointSlots(ledger: Ledger): SlotAllocator {
  return new SlotAllocator({
    reserve: (rows) => void ledger.reserve(rows, 0),
    isIdle: (slot) => ledger.endpoint(slot, -1).inflight() === 0,
    clear: (slot) => ledger.endpoint(slot, -1).clear(),
  })
}
