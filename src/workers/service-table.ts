import { isDeepStrictEqual } from 'node:util'
import { type Balancer, type BalancerOptions } from '../balance/contract.ts'
import { balancers } from '../balance/index.ts'
import { Endpoint } from '../core/endpoint.ts'
import type { Ledger } from '../core/ledger.ts'
import { EndpointMeter, ServiceMeter } from '../core/meter.ts'
import type { SeriesWriter } from '../core/series.ts'
import { type EndpointSet, type OutlierDetector, Service } from '../core/service.ts'
import { isSameEndpoint } from '../core/same-endpoint.ts'
import type { PublishedEndpoint, PublishedService, SentService, ServiceSettings } from '../core/snapshot.ts'
import { eligible } from '../health/eligibility.ts'

export interface ServiceTableOptions {
  readonly ledger: Ledger
  /** Column of this thread in the Ledger. */
  readonly column: number
  readonly series: SeriesWriter
  readonly outlier: OutlierDetector
  readonly balancing: Omit<BalancerOptions, 'hash'>
}

/**
 * The services and endpoints of one data thread, assembled from published values. A Service and an Endpoint live on over
 * configurations and lists as long as their identity does; sets and pickers are replaced.
 */
export class ServiceTable {
  readonly #options: ServiceTableOptions
  readonly #services = new Map<string, Service>()
  /** Lists of services that the configuration does not name yet. */
  readonly #early = new Map<string, PublishedService>()
  /** One function for all services. */
  readonly #build = (service: Service, before: EndpointSet): EndpointSet => this.#setOf(service, before)

  constructor(options: ServiceTableOptions) {
    this.#options = options
  }

  get(name: string): Service | undefined {
    return this.#services.get(name)
  }

  *endpoints(): Iterable<Endpoint> {
    for (const service of this.#services.values()) yield* service.all
  }

  /** Takes over the services of a configuration. Those it does not name any more end, and early lists up to that version of others. */
  configure(wanted: readonly ServiceSettings[], forgotten: number): void {
    const names = new Set(wanted.map(({ name }) => name))
    for (const [name, service] of this.#services) {
      if (names.has(name)) continue
      this.#services.delete(name)
      for (const endpoint of service.all) retire(endpoint, false)
      service.meter.retire()
    }
    for (const settings of wanted) {
      const existing = this.#services.get(settings.name)
      if (existing === undefined) this.#add(settings)
      else {
        existing.settings = keepTls(existing.settings, settings)
        existing.outdate()
      }
    }
    // Their rows may be others' by now.
    for (const [name, { version }] of this.#early) if (version <= forgotten) this.#early.delete(name)
  }

  /** Takes over a service's list: endpoints are kept by identity, added, or let go. */
  publish(sent: SentService): void {
    const service = this.#services.get(sent.service)
    if (service === undefined) {
      const before = bySlot(this.#early.get(sent.service)?.endpoints ?? [])
      const endpoints = sent.endpoints.map((next) => (typeof next === 'number' ? known(before, next) : next))
      this.#early.set(sent.service, { ...sent, endpoints })
      return
    }
    const before = bySlot(service.all)
    let last: Endpoint | null = null
    const all = sent.endpoints.map((next) => {
      last = typeof next === 'number' ? known(before, next) : this.#adopt(service, next, before.get(next.slot), last)
      // What is left of them is gone.
      if (before.get(last.slot) === last) before.delete(last.slot)
      return last
    })
    service.relist(all)
    for (const gone of before.values()) retire(gone, true)
  }

  #add(settings: ServiceSettings): void {
    const { ledger, column, series, outlier } = this.#options
    const service = new Service({
      settings,
      cell: ledger.service(settings.slot, column),
      meter: new ServiceMeter(series, settings.name),
      outlier,
      build: this.#build,
    })
    this.#services.set(settings.name, service)
    const early = this.#early.get(settings.name)
    this.#early.delete(settings.name)
    if (early !== undefined) this.publish(early)
  }

  /** @param before that has its row now; @param neighbour the one before it in the list */
  #adopt(
    { name }: Service,
    next: PublishedEndpoint,
    before: Endpoint | undefined,
    neighbour: Endpoint | null,
  ): Endpoint {
    if (before?.id === next.id) {
      // What was taken over stays, where it says the same: of many lists that come, little is to outlive the next.
      if (!isSameEndpoint(before.published, next)) before.published = toKeep(next, before.published)
      return before
    }
    const { ledger, column, series } = this.#options
    const published = toKeep(next, neighbour?.published ?? null)
    return new Endpoint(published, ledger.endpoint(next.slot, column), new EndpointMeter(series, name, published.id))
  }

  #setOf(service: Service, before: EndpointSet): EndpointSet {
    // Read first: an ejection that comes while we look moves the epoch on, and the next pick builds again.
    const epoch = service.cell.epoch()
    const { eligible: members, panic } = eligible(service.all, service.settings.spillBelowPercent)
    for (const endpoint of members) endpoint.weight = warmWeight(endpoint)
    const options = { ...this.#options.balancing, hash: service.settings.hash }
    const picker = balancerOf(service.settings).build(members, options, before.picker)
    service.feedback = picker.feedback ?? null
    return { epoch, eligible: members, panic, picker }
  }
}

function bySlot<E extends { readonly slot: number }>(all: readonly E[]): Map<number, E> {
  return new Map(all.map((each) => [each.slot, each]))
}

/** What a list names by its row. Throws where it is not there: the Publisher is wrong about what this thread has, and a worker thread is then replaced. */
function known<E>(before: ReadonlyMap<number, E>, slot: number): E {
  const found = before.get(slot)
  if (found === undefined) throw new Error(`a list names row ${slot} as known, and it is not`)
  return found
}

/**
 * What came in a message, as it is to be kept. Each text of it is one of its own there; those of a hundred thousand endpoints are mostly
 * those of others.
 *
 * @param neighbour whose texts it takes where they are the same
 */
function toKeep(said: PublishedEndpoint, neighbour: PublishedEndpoint | null): PublishedEndpoint {
  const { id, slot, host, hostName, port, weight, zone, tier, version, registry, draining, unhealthy } = said
  const kept = { id, slot, host, hostName, port, weight, zone, tier, version, registry, draining, unhealthy }
  if (neighbour === null) return kept
  if (id === neighbour.id) kept.id = neighbour.id
  if (host === neighbour.host) kept.host = neighbour.host
  if (hostName === neighbour.hostName) kept.hostName = neighbour.hostName
  if (zone === neighbour.zone) kept.zone = neighbour.zone
  if (version === neighbour.version) kept.version = neighbour.version
  if (registry === neighbour.registry) kept.registry = neighbour.registry
  return kept
}

/** Connections belong to the TLS settings that they were made with: equal ones stay the same object. */
function keepTls(before: ServiceSettings, settings: ServiceSettings): ServiceSettings {
  return isDeepStrictEqual(before.tls, settings.tls) ? { ...settings, tls: before.tls } : settings
}

/** The weight that the registry says, less what a slow start keeps of it. */
function warmWeight({ published, cell }: Endpoint): number {
  return (published.weight * (100 - cell.coldPercent())) / 100
}

function balancerOf({ balancer, name }: ServiceSettings): Balancer {
  const found = (balancers as Readonly<Record<string, Balancer>>)[balancer]
  if (found === undefined) throw new Error(`service ${name} asks for the unknown balancer ${balancer}`)
  return found
}

/** @param isReplaced the service goes on without it: what waits for a connection to it may go elsewhere */
function retire(endpoint: Endpoint, isReplaced: boolean): void {
  endpoint.pool?.close(isReplaced)
  endpoint.meter.retire()
}
