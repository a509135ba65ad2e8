import type { EndpointCell } from './endpoint-cell.ts'
import type { EndpointMeter } from './meter.ts'
import type { PublishedEndpoint } from './snapshot.ts'

/** Connections kept open to one endpoint; made by the engine that first uses the endpoint. */
export interface EndpointPool {
  /**
   * Closes idle connections; those in use close when their exchange is settled.
   *
   * @param isGone the service has the endpoint no more: what still waits for a connection to it may go to another one
   */
  close(isGone: boolean): void
}

/**
 * A living upstream address in one data thread: its row in the Ledger, its pool, its meter. It survives catalog updates
 * and config reloads, keyed by identity; what the registry says of it is replaced.
 */
export class Endpoint {
  readonly id: string
  readonly slot: number
  readonly host: string
  readonly port: number
  readonly cell: EndpointCell
  readonly meter: EndpointMeter
  published: PublishedEndpoint
  /** That of the registry, or less of it during a slow start; as of the last time a picker was built. */
  weight: number
  /** Null until the first connection. */
  pool: EndpointPool | null

  constructor(published: PublishedEndpoint, cell: EndpointCell, meter: EndpointMeter) {
    this.id = published.id
    this.slot = published.slot
    this.host = published.host
    this.port = published.port
    this.cell = cell
    this.meter = meter
    this.published = published
    this.weight = published.weight
    this.pool = null
  }
}
