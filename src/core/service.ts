import type { Endpoint } from './endpoint.ts'
import type { Failure } from './failure.ts'
import type { ServiceCell } from './service-cell.ts'
import type { ServiceMeter } from './meter.ts'
import type { Feedback, Picker, PickInput } from './picker.ts'
import type { ServiceSettings } from './snapshot.ts'

/** Immutable: the endpoints of a service that may be picked, and the Picker over them. */
export interface EndpointSet {
  /** The service's epoch in the Ledger when it was built. */
  readonly epoch: number
  readonly eligible: readonly Endpoint[]
  /** True when too few endpoints were eligible and our own observations were set aside. */
  readonly panic: boolean
  readonly picker: Picker
}

/** Before the first one is asked for. */
const unbuilt: EndpointSet = { epoch: 0, eligible: [], panic: false, picker: { pick: () => null } }

/** What an attempt showed about its endpoint: a failure blamed on the upstream, or an answer of 500 to 599. */
export type Evidence = Failure | '5xx'

/** Judges endpoints by the traffic they serve (passive health). Called once per settled attempt, in the data thread. */
export interface OutlierDetector {
  succeeded(service: Service, endpoint: Endpoint): void
  failed(service: Service, endpoint: Endpoint, evidence: Evidence): void
}

/** A service in one data thread. Of thousands that change most have no request before they change again: a set is built when one is asked for. */
export class Service {
  readonly name: string
  settings: ServiceSettings
  readonly cell: ServiceCell
  readonly meter: ServiceMeter
  readonly outlier: OutlierDetector
  /** The picker's; null where it learns nothing. */
  feedback: Feedback | null = null
  /** As listed last, whether they may be picked or not. */
  #all: readonly Endpoint[] = []
  #set = unbuilt
  /** Something else than the epoch has changed since the set was built. */
  #isOutdated = true
  readonly #build: (service: Service, before: EndpointSet) => EndpointSet

  /** @param parts.build makes the set of what is listed, and of what the Ledger says now; it is given the one before */
  constructor(parts: {
    settings: ServiceSettings
    cell: ServiceCell
    meter: ServiceMeter
    outlier: OutlierDetector
    build: (service: Service, before: EndpointSet) => EndpointSet
  }) {
    this.name = parts.settings.name
    this.settings = parts.settings
    this.cell = parts.cell
    this.meter = parts.meter
    this.outlier = parts.outlier
    this.#build = parts.build
  }

  get all(): readonly Endpoint[] {
    return this.#all
  }

  /** Takes over what is listed. */
  relist(all: readonly Endpoint[]): void {
    this.#all = all
    this.outdate()
  }

  /** The settings are others. */
  outdate(): void {
    this.#isOutdated = true
  }

  /** With the ejections and restores that any thread has decided. */
  endpoints(): EndpointSet {
    if (!this.#isOutdated && this.cell.epoch() === this.#set.epoch) return this.#set
    this.#set = this.#build(this, this.#set)
    this.#isOutdated = false
    return this.#set
  }

  /** The endpoint for one attempt. */
  pick(input: PickInput): Endpoint | null {
    return this.endpoints().picker.pick(input)
  }
}
