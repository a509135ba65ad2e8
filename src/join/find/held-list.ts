import type { Instance } from '../../core/instance.ts'

/** How long an instance that the registry may only have forgotten stays; how long an empty list is doubted. */
export const heldMs = { forgotten: 600_000, empty: 10_000 } as const

/** What a registry said, and in which circumstances. */
export interface Said {
  /** Those that may serve. */
  readonly instances: readonly Instance[]
  /** All that it named: of one that may not serve it has forgotten nothing. */
  readonly named: readonly Instance[]
  /** It may have lost its memory since the list before: what it does not name may still be there. */
  readonly mayHaveForgotten: boolean
}

interface Held {
  readonly instance: Instance
  readonly untilMs: number
}

/**
 * The instances to use, from what a registry says over time: one that lost its memory takes nothing away for a while, and an empty list counts only
 * once it has been empty for a moment. Where requests go wrong at a dead one the caller's balancer notices by itself.
 */
export class HeldList {
  #list: readonly Instance[] = []
  #held = new Map<string, Held>()
  #emptyAtMs: number | null = null

  get list(): readonly Instance[] {
    return this.#list
  }

  /** @returns the list from now on */
  take({ instances, named, mayHaveForgotten }: Said, nowMs: number): readonly Instance[] {
    if (mayHaveForgotten) {
      for (const instance of this.#list) {
        this.#held.set(keyOf(instance), { instance, untilMs: nowMs + heldMs.forgotten })
      }
    }
    for (const instance of named) this.#held.delete(keyOf(instance))
    const next = [...instances, ...this.#stillHeld(nowMs)]
    if (next.length > 0 || this.#list.length === 0) this.#emptyAtMs = null
    else this.#emptyAtMs ??= nowMs + heldMs.empty
    if (this.#emptyAtMs === null || nowMs >= this.#emptyAtMs) this.#list = next
    return this.#list
  }

  /** When the list changes by time alone; null = it does not. */
  get changesAtMs(): number | null {
    const times = [...this.#held.values()].map(({ untilMs }) => untilMs)
    if (this.#emptyAtMs !== null) times.push(this.#emptyAtMs)
    return times.length === 0 ? null : Math.min(...times)
  }

  #stillHeld(nowMs: number): Instance[] {
    for (const [key, { untilMs }] of this.#held) if (nowMs >= untilMs) this.#held.delete(key)
    return [...this.#held.values()].map(({ instance }) => instance)
  }
}

function keyOf({ node, id, host, port }: Instance): string {
  return `${node}/${id}@${host}:${port}`
}
