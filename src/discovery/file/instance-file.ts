import type { SkippedEntry } from '../contract.ts'
import type { StaticInstance } from '../static.ts'

/** What a file lists for one service. */
export interface ListedService {
  readonly instances: readonly StaticInstance[]
  /** Entries that can't be used; `entry` says where they stand. */
  readonly skipped: readonly Omit<SkippedEntry, 'service'>[]
}

/** By service name. */
export type InstanceFile = ReadonlyMap<string, ListedService>

/** @throws Error that says where the file is wrong, when nothing in it can be relied on */
export type ReadInstanceFile = (path: string) => Promise<InstanceFile>
