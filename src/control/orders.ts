import type { Cancel, ControlClock } from './control-clock.ts'

export type OrderKind = 'drain' | 'eject'

/** What an operator ordered for an endpoint. */
export interface Order {
  /** Milliseconds since the Unix epoch; null = until it is undone. */
  readonly untilMs: number | null
}

/** An order with what it is for. */
export interface StandingOrder extends Order {
  /** Of the endpoint. */
  readonly id: string
  readonly kind: OrderKind
}

interface Standing extends Order {
  readonly cancel: Cancel
}

/**
 * The operator's orders, by the identity of endpoints: they outlive lists, reloads, and the endpoint itself, and end by
 * command, when their time is over, or with this process; one that takes its place is given them.
 */
export class Orders {
  readonly #clock: ControlClock
  readonly #onOver: (id: string, kind: OrderKind) => void
  readonly #orders: Readonly<Record<OrderKind, Map<string, Standing>>> = { drain: new Map(), eject: new Map() }

  /** @param onOver an order's time is over; it is gone already */
  constructor(clock: ControlClock, onOver: (id: string, kind: OrderKind) => void) {
    this.#clock = clock
    this.#onOver = onOver
  }

  /** Takes the place of an order of that kind given before. @param untilMs null = until it is undone */
  give(id: string, kind: OrderKind, untilMs: number | null): Order {
    this.undo(id, kind)
    const order: Standing =
      untilMs === null
        ? { untilMs, cancel: () => {} }
        : {
            untilMs,
            cancel: this.#clock.after(Math.max(0, untilMs - this.#clock.wallMs()), () => {
              this.#orders[kind].delete(id)
              this.#onOver(id, kind)
            }),
          }
    this.#orders[kind].set(id, order)
    return order
  }

  /** @returns false when there was none */
  undo(id: string, kind: OrderKind): boolean {
    this.#orders[kind].get(id)?.cancel()
    return this.#orders[kind].delete(id)
  }

  get(id: string, kind: OrderKind): Order | null {
    return this.#orders[kind].get(id) ?? null
  }

  /** Endpoints that have orders, whether they are there or not. */
  *ids(): Iterable<string> {
    yield* this.#orders.drain.keys()
    yield* this.#orders.eject.keys()
  }

  standing(): StandingOrder[] {
    return (['drain', 'eject'] as const).flatMap((kind) =>
      [...this.#orders[kind]].map(([id, { untilMs }]) => ({ id, kind, untilMs })),
    )
  }

  close(): void {
    for (const kind of ['drain', 'eject'] as const) for (const { cancel } of this.#orders[kind].values()) cancel()
  }
}

/** For causes and reasons: "until it is undone", or the time. */
export function untilOf({ untilMs }: Order): string {
  return untilMs === null ? 'until it is undone' : `until ${new Date(untilMs).toISOString()}`
}
