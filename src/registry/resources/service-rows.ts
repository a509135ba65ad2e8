import type { Catalog } from '../catalog.ts'
import type { Rows } from '../indexes.ts'

/** What a query for a service watches: its own registrations, or where there are none, everybody's. */
export function serviceRows(catalog: Catalog, name: string): Rows {
  return catalog.instances(name).length > 0 ? `services:${name}` : 'services'
}
