import { suggest } from '../util/suggest.ts'
import type { ControlClock } from './control-clock.ts'
import { untilOf, type Order, type OrderKind, type Orders, type StandingOrder } from './orders.ts'
import type { ServiceLine } from './service-line.ts'

export type CommandAction = 'drain' | 'undrain' | 'eject' | 'restore'

export type CommandOutcome =
  | {
      readonly found: true
      /** ISO 8601; null where it lasts until it is undone, or ends something. */
      readonly until: string | null
      /** False when there was nothing to undo. */
      readonly changed: boolean
      /** Services that have the endpoint now. */
      readonly services: readonly string[]
    }
  /** `suggestion`: the id that may have been meant. */
  | { readonly found: false; readonly suggestion: string | null }

/** What an operator may do to an endpoint, in all services that have it. */
export class Commands {
  readonly #clock: ControlClock
  readonly #orders: Orders
  readonly #lines: () => Iterable<ServiceLine>

  constructor(clock: ControlClock, orders: Orders, lines: () => Iterable<ServiceLine>) {
    this.#clock = clock
    this.#orders = orders
    this.#lines = lines
  }

  /** @param durationMs how long a drain or an ejection lasts; null = until it is undone */
  run(id: string, action: CommandAction, durationMs: number | null): CommandOutcome {
    const lines = this.#linesOf(id)
    // Its instance may be gone for the time of the work for which it was drained.
    if (lines.length === 0 && !new Set(this.#orders.ids()).has(id)) {
      return { found: false, suggestion: this.#suggest(id) }
    }
    const services = lines.map(({ name }) => name)
    if (action === 'drain' || action === 'eject') {
      const order = this.#give(lines, id, action, durationMs === null ? null : this.#clock.wallMs() + durationMs)
      const until = order.untilMs === null ? null : new Date(order.untilMs).toISOString()
      return { found: true, until, changed: true, services }
    }
    const kind = action === 'undrain' ? 'drain' : 'eject'
    const hadOrder = this.#orders.undo(id, kind)
    const cause = kind === 'drain' ? 'manual: no longer drained' : 'manual'
    const changed = this.#undo(lines, id, kind, cause) || hadOrder
    return { found: true, until: null, changed, services }
  }

  /** An order that was given to another process; its endpoint may come later. */
  adopt({ id, kind, untilMs }: StandingOrder): void {
    this.#give(this.#linesOf(id), id, kind, untilMs)
  }

  /** The time of an order is over, and the order gone. */
  over(id: string, kind: OrderKind): void {
    const cause =
      kind === 'drain' ? 'manual: the time of its drain is over' : 'manual: the time of its ejection is over'
    this.#undo(this.#linesOf(id), id, kind, cause)
  }

  #give(lines: readonly ServiceLine[], id: string, kind: OrderKind, untilMs: number | null): Order {
    const order = this.#orders.give(id, kind, untilMs)
    const cause = `manual, ${untilOf(order)}`
    for (const { endpoints } of lines) endpoints[kind === 'drain' ? 'drain' : 'ejectByCommand'](id, cause)
    return order
  }

  #undo(lines: readonly ServiceLine[], id: string, kind: OrderKind, cause: string): boolean {
    let changed = false
    for (const { endpoints } of lines) {
      changed = (kind === 'drain' ? endpoints.undrain(id, cause) : endpoints.restoreByCommand(id, cause)) || changed
    }
    return changed
  }

  #linesOf(id: string): readonly ServiceLine[] {
    return [...this.#lines()].filter(({ endpoints }) => endpoints.records.has(id))
  }

  /** The nearest id, or one that the given text is a part of: its instance, or its address. */
  #suggest(id: string): string | null {
    const known = new Set(this.#orders.ids())
    for (const { endpoints } of this.#lines()) for (const other of endpoints.records.keys()) known.add(other)
    return suggest(id, known) ?? [...known].find((other) => other.includes(id)) ?? null
  }
}
