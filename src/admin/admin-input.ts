import type { Decision } from '../core/decision.ts'
import type { MatchInput } from '../core/route.ts'

/** What the admin API shows and does, given by the gateway. Values are shown as they are: plain, JSON can say them. */
export interface AdminInput {
  readonly liveness: () => Liveness
  readonly readiness: () => Readiness
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>
  readonly routes: () => readonly object[]
  readonly services: () => readonly object[]
  /** Null when no service has that name. */
  readonly service: (name: string) => object | null
  readonly explain: (request: ExplainRequest) => object
  /** Newest first, at most `limit`. */
  readonly timeline: (limit: number) => readonly Decision[]
  /** The configuration in force, secrets redacted, and why the last reload failed, if it did. */
  readonly config: () => object
  readonly reload: () => Promise<ReloadOutcome>
  /** The data threads that run now. */
  readonly workers: () => readonly object[]
  /** @param durationMs null = until it is undone */
  readonly commandEndpoint: (id: string, action: EndpointAction, durationMs: number | null) => CommandOutcome
  /** @param column any number */
  readonly drainWorker: (column: number) => DrainOutcome
}

export type Liveness = { readonly alive: true } | { readonly alive: false; readonly cause: string }

export interface Readiness {
  /** May be true although something is missing: when waiting for it has taken long enough. */
  readonly ready: boolean
  readonly draining: boolean
  /** Services that no registry has spoken for yet. */
  readonly missing: readonly string[]
}

/** A request that is not made but asked about. */
export interface ExplainRequest extends MatchInput {
  /** Path in normal form, with the query. */
  readonly url: string
}

export type ReloadOutcome =
  | { readonly applied: true; readonly version: number }
  /** The old configuration stays in force. */
  | { readonly applied: false; readonly findings: readonly object[] }

export type EndpointAction = 'drain' | 'undrain' | 'eject' | 'restore'

export type CommandOutcome =
  | {
      readonly found: true
      /** ISO 8601; null = until it is undone. */
      readonly until: string | null
      /** False when there was nothing to undo. */
      readonly changed: boolean
      /** Those that have the endpoint now. */
      readonly services: readonly string[]
    }
  /** `suggestion`: the id that may have been meant. */
  | { readonly found: false; readonly suggestion: string | null }

export type DrainOutcome =
  /** Under way. `replacement`: the column of the thread that takes over. */
  | { readonly drains: true; readonly replacement: number }
  /** `detail`: why not, as a sentence. */
  | { readonly drains: false; readonly reason: 'unknown' | 'busy'; readonly detail: string }
