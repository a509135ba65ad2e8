import type { Random } from '../util/random.ts'
import type { SkippedEntry } from './contract.ts'

/** What a source is given besides its options. */
export interface DiscoveryContext {
  /** For jitter. */
  readonly random: Random
  /** Called for each entry that can't be used, once per watch and reason while it stays that way. Must not throw. */
  readonly onSkipped: (entry: SkippedEntry) => void
}
