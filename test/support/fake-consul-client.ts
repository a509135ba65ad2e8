import type { Ask, ConsulClient } from '../../src/discovery/consul/client.ts'

/** A ConsulClient over tables that the test changes; blocking queries end when the test moves their index. */
export interface FakeConsulClient extends ConsulClient {
  /** `/v1/health/state/any`, and `/v1/catalog/services`. */
  checksTable: readonly unknown[]
  servicesTable: Readonly<Record<string, unknown>>
  /** `/v1/health/service/:service`. */
  readonly rows: Record<string, readonly unknown[]>
  /** Of its answers; else 1. */
  readonly serviceIndexes: Record<string, number>
  /** Services whose reads fail. */
  readonly failures: Map<string, Error>
  /** The service of every read of instances, in order. */
  readonly reads: string[]
  /** Moves the index of one of the two tables, which ends its blocking queries. */
  move(table: 'checks' | 'services', index: number): void
  /** Ends the blocking queries of both tables with an error. */
  break(error: Error): void
}

interface Waiting {
  readonly table: 'checks' | 'services'
  readonly end: () => void
  readonly fail: (error: Error) => void
}

export function fakeConsulClient(): FakeConsulClient {
  const indexes = { checks: 1, services: 1 }
  const waiting = new Set<Waiting>()
  const table =
    <Body>(name: Waiting['table'], body: () => Body): Ask<Body> =>
    async ({ index, signal }, take) => {
      if (index !== null) {
        const { promise, resolve: end, reject: fail } = Promise.withResolvers<void>()
        const query = { table: name, end, fail }
        waiting.add(query)
        signal.addEventListener('abort', () => fail(new Error('aborted')), { once: true })
        await promise.finally(() => waiting.delete(query))
      }
      return take({ body: body(), index: indexes[name] })
    }
  const fake: FakeConsulClient = {
    checksTable: [],
    servicesTable: {},
    rows: {},
    serviceIndexes: {},
    failures: new Map(),
    reads: [],
    service: (service) => async (_, take) => {
      fake.reads.push(service)
      const failure = fake.failures.get(service)
      if (failure !== undefined) throw failure
      return take({ body: fake.rows[service] ?? [], index: fake.serviceIndexes[service] ?? 1 })
    },
    checks: table('checks', () => fake.checksTable),
    services: table('services', () => fake.servicesTable),
    close: () => {},
    move: (name, index) => {
      indexes[name] = index
      for (const query of waiting) if (query.table === name) query.end()
    },
    break: (error) => {
      for (const query of waiting) query.fail(error)
    },
  }
  return fake
}
