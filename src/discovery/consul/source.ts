import type { DiscoveryContext } from '../context.ts'
import type { Answer, Discovery, Listing } from '../contract.ts'
import { ChurnLimit } from '../churn-limit.ts'
import { createConsulClient, type AgentClient, type Room } from './client.ts'
import { consulLimits, type ConsulLimits, type ConsulOptions } from './options.ts'
import { pause } from '../pause.ts'
import { Poll, type PolledReading } from './poll.ts'
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
  if (datacenters === null) return new ConsulSource(options, context, limits)
  const share = shareOf(limits, datacenters.length)
  const each = datacenters.map((name) => {
    const ofOne = { ...options, datacenter: name, datacenters: null }
    return { name, discovery: new ConsulSource(ofOne, context, share) }
  })
  return new Datacenters(each, context)
}

/** All datacenters are asked through one agent. */
function shareOf(limits: ConsulLimits, count: number): ConsulLimits {
  const part = (whole: number) => Math.max(1, Math.floor(whole / count))
  const { multiplexed } = limits
  return {
    ...limits,
    sharedAbove: part(limits.sharedAbove),
    perServiceBelow: part(limits.perServiceBelow),
    maxSockets: part(limits.maxSockets),
    multiplexed: {
      ...multiplexed,
      maxConnections: part(multiplexed.maxConnections),
      maxFirstReads: part(multiplexed.maxFirstReads),
    },
  }
}

class ConsulSource implements Discovery {
  readonly #client: AgentClient
  readonly #routeTags: string | null
  readonly #context: DiscoveryContext
  readonly #closing = new AbortController()
  readonly #watchers = new Set<Watcher>()
  /** Those that nothing keeps up to date yet. */
  readonly #begun = new Set<Watcher>()
  /** What stops each watcher's own loop; empty while they share. */
  readonly #loops = new Map<Watcher, AbortController>()
  readonly #absent = new Set<Watcher>()
  #shared: { readonly polls: SharedPolls; readonly stop: AbortController; readonly known: WeakSet<Watcher> } | null =
    null
  #isSharing = false
  #mayStopSharing = false
  #isArranging = false

  constructor(options: ConsulOptions, context: DiscoveryContext, limits: ConsulLimits) {
    this.#client = createConsulClient(options, limits, () => {
      this.#mayStopSharing = true
      this.#arrangeSoon()
    })
    this.#routeTags = options.routesFromTags
    this.#context = context
  }

  watch(service: string, signal: AbortSignal, filter?: string): AsyncIterable<Answer> {
    const watcher = new Watcher(service, { onSkipped: this.#context.onSkipped, filter, routeTags: this.#routeTags })
    return watcher.box.answers(signal, { begin: () => this.#join(watcher), over: () => this.#leave(watcher) })
  }

  async *list(signal: AbortSignal): AsyncGenerator<Listing, void, void> {
    const end = AbortSignal.any([signal, this.#closing.signal])
    const limit = new ChurnLimit()
    const poll = new Poll(this.#client.services, end)
    while (!end.aborted) {
      let listing: Listing | null
      try {
        listing = await poll.next(readMoved)
      } catch (error) {
        if (end.aborted) return
        throw error
      }
      if (listing !== null) yield listing
      await pause(limit.takeMs(listIntervalMs), end)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const { box } of this.#watchers) box.abort()
    for (const watcher of this.#loops.keys()) this.#stopLoop(watcher)
    this.#stopSharing()
    this.#client.close()
  }

  #join(watcher: Watcher): void {
    if (this.#closing.signal.aborted) return watcher.box.end()
    this.#watchers.add(watcher)
    this.#begun.add(watcher)
    this.#arrangeSoon()
  }

  #leave(watcher: Watcher): void {
    this.#watchers.delete(watcher)
    this.#begun.delete(watcher)
    this.#stopLoop(watcher)
    // In an outage all watches fail and come back one by one: that is no reason to give each its own connection.
    if (!watcher.box.hasFailed) this.#mayStopSharing = true
    this.#arrangeSoon()
  }

  /** Watches that begin together are arranged together, so that the first hundred of a thousand get no connection to lose at once. */
  #arrangeSoon(): void {
    if (this.#isArranging) return
    this.#isArranging = true
    setImmediate(() => void this.#prepareAndArrange())
  }

  async #prepareAndArrange(): Promise<void> {
    try {
      if (this.#client.room === null) await this.#client.prepare()
    } catch (error) {
      for (const watcher of this.#begun) watcher.box.fail(error)
      this.#begun.clear()
    }
    this.#isArranging = false
    if (!this.#closing.signal.aborted && this.#client.room !== null) this.#arrange(this.#client.room)
  }

  /** Gives every open watcher what keeps it up to date; where that is something else than before, takes it from all others. */
  #arrange({ sharedAbove, perServiceBelow }: Room): void {
    let open = 0
    for (const watcher of this.#watchers) if (watcher.box.isOpen) open++
    const wasSharing = this.#isSharing
    if (open > sharedAbove) this.#isSharing = true
    else if (this.#mayStopSharing && open < perServiceBelow) this.#isSharing = false
    this.#mayStopSharing = false

    if (this.#isSharing) for (const watcher of this.#loops.keys()) this.#stopLoop(watcher)
    if (!this.#isSharing || open === 0) this.#stopSharing()
    for (const watcher of wasSharing === this.#isSharing ? this.#begun : this.#watchers) {
      if (!watcher.box.isOpen) continue
      if (this.#isSharing) this.#share(watcher)
      else this.#startLoop(watcher)
    }
    this.#begun.clear()
  }

  #startLoop(watcher: Watcher): void {
    const stop = new AbortController()
    this.#loops.set(watcher, stop)
    const options = { random: this.#context.random, absent: this.#absent, signal: stop.signal }
    void followService(this.#client, watcher, options)
  }

  #stopLoop(watcher: Watcher): void {
    this.#loops.get(watcher)?.abort()
    this.#loops.delete(watcher)
  }

  #stopSharing(): void {
    this.#shared?.stop.abort()
    this.#shared = null
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

/** Null where nothing has changed. */
function readMoved({ body, move }: PolledReading<Readonly<Record<string, unknown>>>): Listing | null {
  return move === 'same' ? null : readListing(body)
}

function readListing(body: Readonly<Record<string, unknown>>): Listing {
  return new Map(Object.entries(body).map(([service, tags]) => [service, textsIn(tags)]))
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((tag) => typeof tag === 'string') : []
}
