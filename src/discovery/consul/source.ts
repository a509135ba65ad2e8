import type { DiscoveryContext } from '../context.ts'
import type { Answer, Discovery, Listing } from '../contract.ts'
import { ChurnLimit } from '../churn-limit.ts'
import { createConsulClient, type ConsulClient } from './client.ts'
import { consulLimits, type ConsulLimits, type ConsulOptions } from './options.ts'
import { pause } from '../pause.ts'
import { poll } from './poll.ts'
import { Datacenters } from './datacenters.ts'
import { followService } from './service-loop.ts'
import { SharedPolls } from './shared-polls.ts'
import { Watcher } from './watcher.ts'

/** Whatever registers anywhere moves the index of the catalog. */
const listIntervalMs = 100

/** Instances as a Consul agent lists them, by blocking queries; see ConsulLimits for when watches share them. */
export function consul(
  options: ConsulOptions,
  context: DiscoveryContext,
  limits: ConsulLimits = consulLimits,
): Discovery {
  const { datacenters } = options
  if (datacenters === null) return new ConsulSource(createConsulClient(options, limits), options, context, limits)
  const share = shareOf(limits, datacenters.length)
  const each = datacenters.map((name) => {
    const ofOne = { ...options, datacenter: name, datacenters: null }
    return { name, discovery: new ConsulSource(createConsulClient(ofOne, share), ofOne, context, share) }
  })
  return new Datacenters(each, context)
}

/** All datacenters are asked through one agent. */
function shareOf(limits: ConsulLimits, count: number): ConsulLimits {
  const part = (whole: number) => Math.max(1, Math.floor(whole / count))
  return {
    ...limits,
    sharedAbove: part(limits.sharedAbove),
    perServiceBelow: part(limits.perServiceBelow),
    maxSockets: part(limits.maxSockets),
  }
}

class ConsulSource implements Discovery {
  readonly #client: ConsulClient
  readonly #routeTags: string | null
  readonly #context: DiscoveryContext
  readonly #limits: ConsulLimits
  readonly #closing = new AbortController()
  readonly #watchers = new Set<Watcher>()
  /** What stops each watcher's own loop; empty while they share. */
  readonly #loops = new Map<Watcher, AbortController>()
  #shared: { readonly polls: SharedPolls; readonly stop: AbortController; readonly known: WeakSet<Watcher> } | null =
    null
  #isSharing = false
  #mayStopSharing = false
  #isArranging = false

  constructor(
    client: ConsulClient,
    { routesFromTags }: ConsulOptions,
    context: DiscoveryContext,
    limits: ConsulLimits,
  ) {
    this.#client = client
    this.#routeTags = routesFromTags
    this.#context = context
    this.#limits = limits
  }

  async *watch(service: string, signal: AbortSignal, filter?: string): AsyncGenerator<Answer, void, void> {
    const end = AbortSignal.any([signal, this.#closing.signal])
    if (end.aborted) return
    const watcher = new Watcher(service, { onSkipped: this.#context.onSkipped, filter, routeTags: this.#routeTags })
    const onEnd = () => watcher.box.cancel()
    end.addEventListener('abort', onEnd, { once: true })
    this.#watchers.add(watcher)
    this.#arrangeSoon()
    try {
      yield* watcher.box.answers()
    } finally {
      end.removeEventListener('abort', onEnd)
      this.#watchers.delete(watcher)
      // In an outage all watches fail and come back one by one: that is no reason to give each its own connection.
      if (!watcher.box.hasFailed) this.#mayStopSharing = true
      watcher.box.cancel()
      this.#arrangeSoon()
    }
  }

  async *list(signal: AbortSignal): AsyncGenerator<Listing, void, void> {
    const end = AbortSignal.any([signal, this.#closing.signal])
    const limit = new ChurnLimit()
    for await (const { body, move } of poll(this.#client.services, end)) {
      if (move !== 'same') yield readListing(body)
      await pause(limit.takeMs(listIntervalMs), end)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#arrange()
    this.#client.close()
  }

  /** Watches that begin together are arranged together, so that the first hundred of a thousand get no connection to lose at once. */
  #arrangeSoon(): void {
    if (this.#isArranging) return
    this.#isArranging = true
    setImmediate(() => {
      this.#isArranging = false
      this.#arrange()
    })
  }

  /** Gives every open watcher what keeps it up to date, and takes it from all others. */
  #arrange(): void {
    const open = new Set([...this.#watchers].filter((watcher) => watcher.box.isOpen))
    if (open.size > this.#limits.sharedAbove) this.#isSharing = true
    else if (this.#mayStopSharing && open.size < this.#limits.perServiceBelow) this.#isSharing = false
    this.#mayStopSharing = false

    for (const [watcher, stop] of this.#loops) {
      if (open.has(watcher) && !this.#isSharing) continue
      stop.abort()
      this.#loops.delete(watcher)
    }
    if (this.#shared !== null && (!this.#isSharing || open.size === 0)) {
      this.#shared.stop.abort()
      this.#shared = null
    }
    for (const watcher of open) {
      if (this.#isSharing) this.#share(watcher)
      else if (!this.#loops.has(watcher)) this.#startLoop(watcher)
    }
  }

  #startLoop(watcher: Watcher): void {
    const stop = new AbortController()
    this.#loops.set(watcher, stop)
    void followService(this.#client, watcher, this.#context.random, stop.signal)
  }

  #share(watcher: Watcher): void {
    this.#shared ??= this.#startSharing()
    if (this.#shared.known.has(watcher)) return
    this.#shared.known.add(watcher)
    this.#shared.polls.add(watcher)
  }

  #startSharing() {
    const stop = new AbortController()
    const polls = new SharedPolls(this.#client, this.#watchers, stop.signal)
    const shared = { polls, stop, known: new WeakSet<Watcher>() }
    polls.run().catch((error: unknown) => {
      stop.abort()
      if (this.#shared !== shared) return
      this.#shared = null
      for (const watcher of this.#watchers) watcher.box.fail(error)
    })
    return shared
  }
}

function readListing(body: Readonly<Record<string, unknown>>): Listing {
  return new Map(Object.entries(body).map(([service, tags]) => [service, textsIn(tags)]))
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((tag) => typeof tag === 'string') : []
}
