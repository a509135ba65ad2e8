import type { Endpoint } from '../../src/core/endpoint.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import { ServiceMeter } from '../../src/core/meter.ts'
import type { Picker } from '../../src/core/picker.ts'
import { type OutlierDetector, Service } from '../../src/core/service.ts'
import type { ServiceSettings } from '../../src/core/snapshot.ts'
import { seriesToNowhere } from './endpoints.ts'
import { retryBudget } from './retry-rule.ts'

/** The defaults of a service. */
export function serviceSettings(name: string, slot: number, overrides: Partial<ServiceSettings> = {}): ServiceSettings {
  return {
    balancer: 'round-robin',
    hash: null,
    outlier: {
      consecutiveFailures: 5,
      baseEjectionMs: 30_000,
      maxEjectionMs: 300_000,
      maxEjectedPercent: 50,
      successRate: null,
    },
    connectTimeoutMs: 2000,
    headTimeoutMs: 15_000,
    idleTimeoutMs: 300_000,
    retryBudget,
    spillBelowPercent: 70,
    limits: null,
    tls: null,
    ...overrides,
    name,
    slot,
  }
}

/** The service of row 0 with these endpoints, all of them eligible. */
export function makeService(
  ledger: Ledger,
  endpoints: readonly Endpoint[],
  {
    settings = {},
    picker = { pick: () => null },
    outlier = { succeeded: () => {}, failed: () => {} },
  }: {
    readonly settings?: Partial<ServiceSettings>
    readonly picker?: Picker
    readonly outlier?: OutlierDetector
  } = {},
): Service {
  const service = new Service({
    settings: serviceSettings('svc', 0, settings),
    cell: ledger.service(0),
    meter: new ServiceMeter(seriesToNowhere(), 'svc'),
    outlier,
    build: ({ cell, all }) => ({ epoch: cell.epoch(), eligible: all, panic: false, picker }),
  })
  service.relist(endpoints)
  return service
}
