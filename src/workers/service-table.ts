import { isDeepStrictEqual } from 'node:util'
import { type Balancer, type BalancerOptions } from '../balance/contract.ts'
import { balancers } from '../balance/index.ts'
import { Endpoint } from '../core/endpoint.ts'
import type { Ledger } from '../core/ledger.ts'
import { EndpointMeter, ServiceMeter } from '../core/meter.ts'
import type { SeriesWriter } from '../core/series.ts'
import { type OutlierDetector, Service } from '../core/service.ts'
import { isSameEndpoint } from '../core/same-endpoint.ts'
import type { PublishedEndpoint, PublishedService, ServiceSettings } from '../core/snapshot.ts'
import { eligible } from '../health/eligibility.ts'

export interface ServiceTableOptions {
  readonly ledger: Ledger
  /** Column of this thread in the Ledger. */
  readonly column: number
  readonly series: SeriesWriter
  readonly outlier: OutlierDetector
  readonly balancing: Omit<BalancerOptions, 'hash'>
}

/** Of no moment of a service: whatever was built then is out of date. */
const noEpoch = -1

/**
 * The services and endpoints of one data thread, assembled from published values. A Service and an Endpoint live on over
 * configurations and lists as long as their identity does; sets and pickers are replaced.
 */
export class ServiceTable {
  readonly #options: ServiceTableOptions
  readonly #services = new Map<string, Service>()
  /** Lists of services that the configuration does not name yet. */
  readonly #early = new Map<string, PublishedService>()
  readonly #rebuild = (service: Service): void => this.#build(service, service.endpoints.all, service.endpoints.version)

  constructor(options: ServiceTableOptions) {
    this.#options = options
  }

  get(name: string): Service | undefined {
    return this.#services.get(name)
  }

  *endpoints(): Iterable<Endpoint> {
    for (const service of this.#services.values()) yield* service.endpoints.all
  }

  /** Takes over the services of a configuration. Those it does not name any more end, and early lists up to that version of others. */
  configure(wanted: readonly ServiceSettings[], forgotten: number): void {
    const names = new Set(wanted.map(({ name }) => name))
    for (const [name, service] of this.#services) {
      if (names.has(name)) continue
      this.#services.delete(name)
      for (const endpoint of service.endpoints.all) retire(endpoint, false)
      service.meter.retire()
    }
    for (const settings of wanted) {
      const existing = this.#services.get(settings.name)
      if (existing === undefined) this.#add(settings)
      else {
        existing.settings = keepTls(existing.settings, settings)
        this.#adopt(existing, existing.endpoints.all, existing.endpoints.version)
      }
    }
    // Their rows may be others' by now.
    for (const [name, { version }] of this.#early) if (version <= forgotten) this.#early.delete(name)
  }

  /** Takes over a service's list: endpoints are kept by identity, added, or let go. */
  publish(published: PublishedService): void {
    const service = this.#services.get(published.service)
    if (service === undefined) {
      this.#early.set(published.service, published)
      return
    }
    const before = new Map(service.endpoints.all.map((endpoint) => [endpoint.id, endpoint]))
    const all = published.endpoints.map((next) => {
      const kept = before.get(next.id)
      if (kept === undefined || kept.slot !== next.slot) return this.#endpoint(service.name, next)
      before.delete(next.id)
      // What was taken over stays, where it says the same: of many lists that come, little is to outlive the next.
      if (!isSameEndpoint(kept.published, next)) kept.published = next
      return kept
    })
    this.#adopt(service, all, published.version)
    for (const gone of before.values()) retire(gone, true)
  }

  #add(settings: ServiceSettings): void {
    const { ledger, column, series, outlier } = this.#options
    const service = new Service({
      settings,
      cell: ledger.service(settings.slot, column),
      meter: new ServiceMeter(series, settings.name),
      outlier,
      rebuild: this.#rebuild,
      endpoints: { version: 0, epoch: noEpoch, all: [], eligible: [], panic: false, picker: { pick: () => null } },
    })
    this.#services.set(settings.name, service)
    const early = this.#early.get(settings.name)
    this.#early.delete(settings.name)
    if (early !== undefined) this.publish(early)
  }

  #endpoint(service: string, published: PublishedEndpoint): Endpoint {
    const { ledger, column, series } = this.#options
    return new Endpoint(
      published,
      ledger.endpoint(published.slot, column),
      new EndpointMeter(series, service, published.id),
    )
  }

  /** The next pick builds the picker: of thousands of services that change most have no request before they change again. */
  #adopt(service: Service, all: readonly Endpoint[], version: number): void {
    const judged = eligible(all, service.settings.spillBelowPercent)
    for (const endpoint of judged.eligible) endpoint.weight = warmWeight(endpoint)
    service.endpoints = { version, epoch: noEpoch, all, ...judged, picker: service.endpoints.picker }
  }

  #build(service: Service, all: readonly Endpoint[], version: number): void {
    // Read first: an ejection that comes while we look moves the epoch on, and the next pick builds again.
    const epoch = service.cell.epoch()
    const { eligible: members, panic } = eligible(all, service.settings.spillBelowPercent)
    for (const endpoint of members) endpoint.weight = warmWeight(endpoint)
    const options = { ...this.#options.balancing, hash: service.settings.hash }
    const picker = balancerOf(service.settings).build(members, options, service.endpoints.picker)
    service.feedback = picker.feedback ?? null
    service.endpoints = { version, epoch, all, eligible: members, panic, picker }
  }
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
