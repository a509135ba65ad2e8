import type { Endpoint } from './endpoint.ts'
import type { Failure } from './failure.ts'
import type { ServiceCell } from './service-cell.ts'
import type { ServiceMeter } from './meter.ts'
import type { Feedback, Picker, PickInput } from './picker.ts'
import type { ServiceSettings } from './snapshot.ts'

/** Immutable: all endpoints of a service, those that may be picked, and the Picker over them, or over those before until one is to be picked. */
export interface EndpointSet {
  /** Version of the published list it was built from; 0 before the first. */
  readonly version: number
  /** The service's epoch in the Ledger when the picker was built; -1 where it is still the one before. */
  readonly epoch: number
  readonly all: readonly Endpoint[]
  readonly eligible: readonly Endpoint[]
  /** True when too few endpoints were eligible and our own observations were set aside. */
  readonly panic: boolean
  readonly picker: Picker
}

/** What an attempt showed about its endpoint: a failure blamed on the upstream, or an answer of 500 to 599. */
export type Evidence = Failure | '5xx'

/** Judges endpoints by the traffic they serve (passive health). Called once per settled attempt, in the data thread. */
export interface OutlierDetector {
  succeeded(service: Service, endpoint: Endpoint): void
  failed(service: Service, endpoint: Endpoint, evidence: Evidence): void
}

/** A service in one data thread. `endpoints` is replaced whole, by one assignment. */
export class Service {
  readonly name: string
  settings: ServiceSettings
  readonly cell: ServiceCell
  readonly meter: ServiceMeter
  readonly outlier: OutlierDetector
  endpoints: EndpointSet
  /** The picker's; null where it learns nothing. */
  feedback: Feedback | null = null
  /** Rebuilds `endpoints` from what the Ledger says now; called when the epoch moved. */
  readonly rebuild: (service: Service) => void

  constructor(parts: {
    settings: ServiceSettings
    cell: ServiceCell
    meter: ServiceMeter
    outlier: OutlierDetector
    endpoints: EndpointSet
    rebuild: (service: Service) => void
  }) {
    this.name = parts.settings.name
    this.settings = parts.settings
    this.cell = parts.cell
    this.meter = parts.meter
    this.outlier = parts.outlier
    this.endpoints = parts.endpoints
    this.rebuild = parts.rebuild
  }

  /** The endpoint for one attempt, after taking over ejections and restores that any thread has decided. */
  pick(input: PickInput): Endpoint | null {
    if (this.cell.epoch() !== this.endpoints.epoch) this.rebuild(this)
    return this.endpoints.picker.pick(input)
  }
}
