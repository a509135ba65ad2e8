import { clients } from './clients.ts'
import type { FaultRow } from './fault-row.ts'
import { instances } from './instances.ts'
import { own } from './own.ts'
import { registries } from './registries.ts'

/** By where it goes wrong. */
export const faultRows: Readonly<Record<string, readonly FaultRow[]>> = {
  'The registry': registries,
  'An instance': instances,
  Clients: clients,
  'The gateway and its machine': own,
}
