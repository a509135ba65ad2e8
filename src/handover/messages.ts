/** What the successor says, over the channel that Node opens between a process and its child. */
export type SuccessorMessage =
  /** It could serve now. */
  | ({ readonly type: 'prepared' } & Readiness)
  /** It listens; connections are its own from now on, too. */
  | { readonly type: 'serving' }

/** What a successor would serve by now. */
export interface Readiness {
  /** Services that no registry, nor the state directory, told it of. */
  readonly missing: readonly string[]
  /** Services of which it was told, but of no endpoint that may be picked. */
  readonly empty: readonly string[]
}

/** What the predecessor answers. The secret of session tickets is in base64. */
export type PredecessorMessage =
  | {
      readonly type: 'take-over'
      readonly secret: string
      readonly remainingMs: number
      readonly orders: readonly HandedOrder[]
    }
  | { readonly type: 'refused'; readonly reason: string }

/** The secret of session tickets, so that sessions of TLS clients are resumed with the successor. */
export interface TicketBequest {
  readonly secret: Uint8Array
  /** Until it is to be replaced. */
  readonly remainingMs: number
}

/** What an operator ordered for an endpoint. */
export interface HandedOrder {
  /** Of the endpoint. */
  readonly id: string
  readonly kind: 'drain' | 'eject'
  /** Milliseconds since the Unix epoch; null = until it is undone. */
  readonly untilMs: number | null
}

/** What a process leaves besides sockets. */
export interface Bequest {
  readonly tickets: TicketBequest
  readonly orders: readonly HandedOrder[]
}
