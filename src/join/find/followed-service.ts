import { type Cancel, type ControlClock, systemControlClock } from '../../control/control-clock.ts'
import { ServiceWatch, type WatchedAnswer } from '../../control/watch.ts'
import type { Instance } from '../../core/instance.ts'
import { createResolver, type Resolver } from '../../discovery/resolve.ts'
import type { Random } from '../../util/random.ts'
import { HeldList } from './held-list.ts'
import type { Discovery } from '../../discovery/contract.ts'
import type { Lease } from '../shared-by-url.ts'
import { leaseSource } from './sources.ts'
import { isWanted, type Target } from './target.ts'

export interface FollowedServiceOptions {
  readonly target: Target
  /** The instances to use have changed, or are known for the first time. */
  readonly onList: (instances: readonly Instance[]) => void
  /** The registry can't be asked, and nothing is known yet. */
  readonly onLost: (error: Error) => void
  readonly clock?: ControlClock
  readonly random?: Random
}

/** Follows the instances of one service, for callers in this process: an outage of the registry keeps the last list. */
export class FollowedService {
  readonly #options: FollowedServiceOptions
  readonly #clock: ControlClock
  readonly #lease: Lease<Discovery>
  readonly #watch: ServiceWatch
  readonly #held = new HeldList()
  readonly #resolver: Resolver
  /** All that the registry named last. */
  #named: readonly Instance[] = []
  #isKnown = false
  #cancel: Cancel = () => {}

  /** @throws RegisterError `invalid` */
  constructor(options: FollowedServiceOptions) {
    const { target, clock = systemControlClock, random = Math.random } = options
    this.#options = options
    this.#clock = clock
    this.#lease = leaseSource(target.registry)
    this.#resolver = createResolver({ random, onUnresolved: () => {} })
    this.#watch = new ServiceWatch({
      open: (signal) => this.#resolver.resolved(this.#lease.value.watch(target.service, signal), signal),
      clock,
      random,
      listener: {
        answered: (answer) => this.#answered(answer),
        unchanged: () => {},
        failed: (error) => {
          if (!this.#isKnown) options.onLost(error instanceof Error ? error : new Error(String(error)))
        },
      },
      remembered: null,
      afterOutage: false,
    })
    this.#watch.start()
  }

  /** Resolves when the registry is let go. */
  async stop(): Promise<void> {
    this.#cancel()
    await this.#watch.stop()
    await this.#lease.release()
  }

  #answered({ instances, afterOutage, wentBackwards }: WatchedAnswer): void {
    this.#named = instances
    this.#take(this.#isKnown && (afterOutage || wentBackwards))
  }

  #take(mayHaveForgotten: boolean): void {
    this.#cancel()
    this.#cancel = () => {}
    const nowMs = this.#clock.now()
    const before = this.#held.list
    const instances = this.#named.filter((instance) => isWanted(instance, this.#options.target))
    const list = this.#held.take({ instances, named: this.#named, mayHaveForgotten }, nowMs)
    const { changesAtMs } = this.#held
    if (changesAtMs !== null) {
      this.#cancel = this.#clock.after(Math.max(1, changesAtMs - nowMs), () => this.#take(false))
    }
    if (this.#isKnown && list === before) return
    this.#isKnown = true
    this.#options.onList(list)
  }
}
