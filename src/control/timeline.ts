import type { Decision } from '../core/decision.ts'
import type { ControlClock } from './control-clock.ts'

const defaultCapacity = 1000
/** Causes name entries of registries, which may be as long as a registry lets them be. */
const maxCauseChars = 1000

export interface TimelineOptions {
  readonly clock: Pick<ControlClock, 'wallMs'>
  /** Called with each decision as it is recorded: for the log and the metrics. */
  readonly onDecision?: (decision: Decision) => void
  /** Decisions kept; default 1000. */
  readonly capacity?: number
}

/** The last decisions of the gateway with their causes, in a ring. */
export class Timeline {
  readonly #clock: Pick<ControlClock, 'wallMs'>
  readonly #onDecision: (decision: Decision) => void
  readonly #capacity: number
  readonly #ring: Decision[] = []
  /** Index of the oldest once the ring is full, and so the place of the next. */
  #next = 0

  constructor({ clock, onDecision = () => {}, capacity = defaultCapacity }: TimelineOptions) {
    this.#clock = clock
    this.#onDecision = onDecision
    this.#capacity = capacity
  }

  record(entry: Omit<Decision, 'at'>): void {
    const { type, service, endpoint, cause } = entry
    const decision = {
      at: new Date(this.#clock.wallMs()).toISOString(),
      type,
      service,
      endpoint,
      cause: shortened(cause),
    }
    this.#ring[this.#next] = decision
    this.#next = (this.#next + 1) % this.#capacity
    this.#onDecision(decision)
  }

  /** Newest first. @param limit at most so many; default all that are kept */
  events(limit = this.#capacity): readonly Decision[] {
    const oldestFirst = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)]
    return oldestFirst.toReversed().slice(0, limit)
  }
}

function shortened(cause: string): string {
  if (cause.length <= maxCauseChars) return cause
  // A copy: a part of a text keeps the whole of it in memory.
  return Buffer.from(`${cause.slice(0, maxCauseChars)}…`).toString()
}
