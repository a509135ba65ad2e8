import type { EjectionReason } from './decision.ts'
import type { LedgerShape } from './ledger.ts'
import type { ListenSocket } from './listen-socket.ts'
import type { SeriesAnnouncement, SeriesRetirement } from './series.ts'
import type { ConfigSnapshot, SentService } from './snapshot.ts'

/** What the control plane tells a data thread. Plain values: functions and class instances don't survive the crossing. */
export type ControlMessage =
  /**
   * Replaces listeners, routes and service settings. Of services that it does not name, lists of a version up to `forgotten` are of no
   * use any more. `ledger` holds every row that it names; null where the thread was sent all buffers before: there are hundreds, and to
   * send them costs ten times what a list does.
   */
  | {
      readonly type: 'config'
      readonly snapshot: ConfigSnapshot
      readonly forgotten: number
      readonly ledger: LedgerShape | null
    }
  /** What the next configuration's new listeners listen on, in place of sockets of their own. What they don't want is closed. */
  | { readonly type: 'sockets'; readonly sockets: readonly ListenSocket[] }
  /** What all threads make the keys of session tickets of: sent first, and again whenever it is replaced. Kept in memory only. */
  | { readonly type: 'tickets'; readonly secret: Uint8Array }
  /** Replaces one service's list; `ledger` as above. */
  | { readonly type: 'service'; readonly published: SentService; readonly ledger: LedgerShape | null }
  | { readonly type: 'series-released'; readonly ids: readonly number[] }
  /** Stop accepting, finish what is in flight, then answer `drained`; at the deadline close what is left. */
  | { readonly type: 'drain'; readonly deadlineMs: number }

/** What a data thread tells the control plane. */
export type ThreadMessage =
  /** The thread runs and takes messages. */
  | { readonly type: 'started' }
  /**
   * `addresses` are those newly opened; `errors` names listeners that could not be: the rest of the snapshot is in force. `sockets` are
   * all that the thread listens on.
   */
  | {
      readonly type: 'config-applied'
      readonly version: number
      readonly addresses: readonly ListenAddress[]
      readonly errors: readonly ListenError[]
      readonly sockets: readonly ListenSocket[]
    }
  | { readonly type: 'service-applied'; readonly service: string; readonly version: number }
  | { readonly type: 'ejected'; readonly ejection: EjectionReport }
  /** It turns new requests away, or serves again; `cause` is a sentence. */
  | { readonly type: 'shedding'; readonly isShedding: boolean; readonly cause: string }
  | { readonly type: 'series'; readonly series: SeriesAnnouncement }
  | { readonly type: 'series-retired'; readonly series: SeriesRetirement }
  /** Everything in flight is done; `cut` connections were closed by the deadline. */
  | { readonly type: 'drained'; readonly cut: number }

export interface ListenAddress {
  readonly listener: string
  readonly host: string
  /** The port that was opened, where the configuration says 0. */
  readonly port: number
}

export interface ListenError {
  readonly listener: string
  /** System error code (`EADDRINUSE` …) and a sentence. */
  readonly code: string
  readonly message: string
}

export interface EjectionReport {
  readonly service: string
  readonly endpoint: string
  readonly slot: number
  readonly reason: EjectionReason
  /** A sentence for the timeline, such as "5 failures in a row, the last: head-timeout". */
  readonly cause: string
}
