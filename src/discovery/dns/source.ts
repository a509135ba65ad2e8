import { isIP } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { LRUCache } from 'lru-cache'
import type { Instance } from '../../core/instance.ts'
import { pause } from '../pause.ts'
import type { DiscoveryContext } from '../context.ts'
import { DiscoveryError, type Answer, type Discovery, type SkippedEntry } from '../contract.ts'
import { createResolver, type Resolver } from '../resolve.ts'
import { listAddresses } from './addresses.ts'
import { DnsClient } from './client.ts'
import type { Listing } from './listing.ts'
import type { DnsOptions } from './options.ts'
import { placeOf, type Place } from './place.ts'
import { listServers, ofLowestPriority } from './srv.ts'
import { targetNames } from './target-names.ts'

/** Services and targets remembered beyond the watches that use them: an error must take no address away. */
const remembered = 10_000
/** Names whose answers came together are asked for again up to a tenth of their TTL later, each in its own time. */
const jitterShare = 0.1

/** Instances as SRV, or A and AAAA, records list them, asked for again when their TTL is over. */
export function dns(options: DnsOptions, context: DiscoveryContext): Discovery {
  return new DnsSource(options, context)
}

class DnsSource implements Discovery {
  readonly #options: DnsOptions
  readonly #context: DiscoveryContext
  readonly #closing = new AbortController()
  readonly #client: DnsClient
  /** For targets whose addresses did not come along. */
  readonly #resolver: Resolver
  /** The service that named a target last. */
  readonly #services = new LRUCache<string, string>({ max: remembered })
  /** Of `record: a`, by service. */
  readonly #addresses = new LRUCache<string, readonly string[]>({ max: remembered })

  constructor(options: DnsOptions, context: DiscoveryContext) {
    this.#options = options
    this.#context = context
    this.#client = new DnsClient(options)
    this.#resolver = createResolver({
      random: context.random,
      dns: targetNames(this.#client, this.#closing.signal),
      onUnresolved: (name, reason) => {
        const service = this.#services.get(name) ?? ''
        if (!this.#closing.signal.aborted) context.onSkipped({ service, entry: name, reason: `no address: ${reason}` })
      },
    })
  }

  async *watch(service: string, signal: AbortSignal): AsyncGenerator<Answer, void, void> {
    // A consumer that leaves without aborting ends the asking, too.
    const leaving = new AbortController()
    const end = AbortSignal.any([signal, this.#closing.signal, leaving.signal])
    if (end.aborted) return
    let before: Pick<Answer, 'instances' | 'unresolved'> | null = null
    try {
      for await (const answer of this.#resolver.resolved(this.#follow(service, end), end)) {
        const chosen = ofLowestPriority(answer)
        if (!answer.mayHaveForgotten && isDeepStrictEqual(chosen, before)) continue
        before = chosen
        yield { ...chosen, position: answer.position, mayHaveForgotten: answer.mayHaveForgotten }
      }
    } finally {
      leaving.abort()
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
  }

  /** All that is listed, whenever that has changed; hosts may be names. */
  async *#follow(service: string, signal: AbortSignal): AsyncGenerator<Answer, void, void> {
    const report = once(this.#context.onSkipped)
    let before: readonly Instance[] | null = null
    while (!signal.aborted) {
      const listing = await this.#list(service, signal)
      if (listing === null) return
      const { instances, skipped, ttlSeconds, isNegative } = listing
      report(skipped)
      for (const { host } of instances) if (isIP(host) === 0) this.#services.set(host, service)
      const hasChanged = !isDeepStrictEqual(instances, before)
      before = instances
      // The DNS has no index that would tell a service that has nobody from a server that lost its memory.
      if (hasChanged) yield { instances, position: null, mayHaveForgotten: isNegative }
      await pause(this.#holdsMs(ttlSeconds), signal)
    }
  }

  /** Null when the signal aborts. */
  async #list(service: string, signal: AbortSignal): Promise<Listing | null> {
    try {
      return await this.#ask(service, placeOf(service, this.#options), signal)
    } catch (error) {
      if (signal.aborted) return null
      if (error instanceof DiscoveryError) throw error
      throw new DiscoveryError('unreachable', `The DNS can't be asked for ${service}: ${String(error)}`, {
        cause: error,
      })
    }
  }

  async #ask(service: string, { name, port }: Place, signal: AbortSignal): Promise<Listing> {
    if (port === null) return listServers(this.#client, service, name, signal)
    const known = this.#addresses.get(service) ?? []
    const listing = await listAddresses(this.#client, { name, port }, known, signal)
    this.#addresses.set(
      service,
      listing.instances.map(({ host }) => host),
    )
    return listing
  }

  #holdsMs(ttlSeconds: number): number {
    const { minTtlMs, maxTtlMs } = this.#options
    const ttlMs = Math.min(maxTtlMs, Math.max(minTtlMs, ttlSeconds * 1000))
    return ttlMs * (1 + jitterShare * this.#context.random())
  }
}

/** Reports each bad entry once while it stays that way, not with every answer. */
function once(onSkipped: (entry: SkippedEntry) => void): (skipped: readonly SkippedEntry[]) => void {
  let before = new Set<string>()
  return (skipped) => {
    const now = new Map(skipped.map((entry) => [`${entry.entry}\n${entry.reason}`, entry]))
    for (const [key, entry] of now) if (!before.has(key)) onSkipped(entry)
    before = new Set(now.keys())
  }
}
