import { Endpoint } from '../../src/core/endpoint.ts'
import { Ledger } from '../../src/core/ledger.ts'
import { EndpointMeter } from '../../src/core/meter.ts'
import { SeriesWriter } from '../../src/core/series.ts'
import type { PublishedEndpoint } from '../../src/core/snapshot.ts'

/** One endpoint as the control plane would publish it: passing, weight 1, on loopback. */
export function publishedEndpoint(slot: number, overrides: Partial<PublishedEndpoint> = {}): PublishedEndpoint {
  const host = '127.0.0.1'
  const port = 9000 + slot
  return {
    id: `test/node/instance-${slot}@${host}:${port}`,
    slot,
    host,
    hostName: null,
    port,
    weight: 1,
    zone: '',
    tier: 0,
    version: '',
    registry: 'passing',
    draining: false,
    unhealthy: false,
    ...overrides,
  }
}

export function seriesToNowhere(): SeriesWriter {
  return new SeriesWriter(
    () => {},
    () => {},
  )
}

/** Endpoints of these weights in rows 0, 1, … of one Ledger with one data thread. Their series go nowhere. */
export function makeEndpoints(weights: readonly number[], ledger: Ledger = Ledger.create(1, 0)): Endpoint[] {
  ledger.reserve(weights.length, 1)
  const series = seriesToNowhere()
  return weights.map((weight, slot) => {
    const published = publishedEndpoint(slot, { weight })
    return new Endpoint(published, ledger.endpoint(slot, 0), new EndpointMeter(series, 'svc', published.id))
  })
}

/** That many endpoints of weight 1. */
export function equalEndpoints(count: number): Endpoint[] {
  return makeEndpoints(Array.from({ length: count }, () => 1))
}
