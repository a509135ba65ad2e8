import { expect, it } from 'vitest'
import { loadOf } from '../../../src/control/load-view.ts'
import type { ServiceLine } from '../../../src/control/service-line.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import type { ServiceLimits } from '../../../src/core/snapshot.ts'
import { publishedEndpoint } from '../../support/endpoints.ts'

/** A service of one endpoint, with that many requests in flight and waiting. */
function stateWith(limits: Partial<ServiceLimits>, inflight: number, waiting: number): string {
  const ledger = Ledger.create(1, 0)
  ledger.reserve(1, 1)
  const cell = ledger.admission(0, 0)
  for (let i = 0; i < inflight; i++) cell.inflight.acquire(100)
  for (let i = 0; i < waiting; i++) cell.waiting.acquire(100)
  const published = publishedEndpoint(0)
  const line = {
    slot: 0,
    endpoints: { records: new Map([[published.id, { published, cell: ledger.endpoint(0, -1) }]]) },
    entry: {
      limits: {
        requests: null,
        findsRequests: false,
        requestsPerEndpoint: null,
        pending: null,
        pendingTimeoutMs: 1,
        ...limits,
      },
    },
  }
  return loadOf(line as unknown as ServiceLine, ledger, null).state
}

it.each<[Partial<ServiceLimits>, number, number, string]>([
  [{ requests: 2 }, 1, 0, 'open'],
  [{ requests: 2 }, 2, 0, 'open'],
  [{ requests: 2 }, 2, 1, 'queueing'],
  [{ requests: 2 }, 2, 2, 'full'],
  [{ requests: 2, pending: 0 }, 1, 0, 'open'],
  [{ requests: 2, pending: 0 }, 2, 0, 'full'],
  [{ requestsPerEndpoint: 2, pending: 0 }, 2, 0, 'full'],
])('with %o, %i in flight and %i waiting a service is %s', (limits, inflight, waiting, state) => {
  expect(stateWith(limits, inflight, waiting)).toBe(state)
})
