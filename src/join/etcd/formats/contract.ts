import type { Registration } from '../../registration.ts'

/** What of a registration a format has words for, besides id, host and port. */
export type Part = 'weight' | 'tags' | 'meta'

/** Writes what `src/discovery/etcd/formats` reads under the same name. */
export interface ValueFormat {
  /** Where the framework of that name has its services; empty = keys begin with the service. */
  readonly prefix: string
  readonly carries: readonly Part[]
  readonly write: (registration: Registration) => string
  /** The same entry for an instance that is not to be chosen; null = only the key's absence says that to the readers of the format. */
  readonly writeOut: ((registration: Registration) => string) | null
  /** The service as it stands in a key, where the framework writes it otherwise. */
  readonly serviceInKey?: (service: string) => string
}
