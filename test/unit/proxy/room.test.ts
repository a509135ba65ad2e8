import { beforeEach, expect, test } from 'vitest'
import { balancers } from '../../../src/balance/index.ts'
import type { Endpoint } from '../../../src/core/endpoint.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import type { PickInput } from '../../../src/core/picker.ts'
import type { Service } from '../../../src/core/service.ts'
import type { Exchange } from '../../../src/proxy/exchange.ts'
import { hasUntried, takeEndpoint } from '../../../src/proxy/room.ts'
import { seededRandom } from '../../../src/util/random.ts'
import { makeEndpoints } from '../../support/endpoints.ts'
import { balancing, pickInput } from '../../support/picking.ts'
import { makeService } from '../../support/service.ts'

const random = seededRandom(1)
let exchange: PickInput & { tried: Endpoint[] | null; context: { passedOver: Endpoint[]; random: () => number } }

beforeEach(() => {
  exchange = { ...pickInput(), tried: null, context: { passedOver: [], random } }
})

function filling(weights: readonly number[], requestsPerEndpoint: number | null, name: keyof typeof balancers) {
  const ledger = Ledger.create(1, 0)
  const endpoints = makeEndpoints(weights, ledger)
  const limits = { requests: null, findsRequests: false, requestsPerEndpoint, pending: null, pendingTimeoutMs: 1 }
  const picker = balancers[name].build(endpoints, balancing({ random }), null)
  return makeService(ledger, endpoints, { settings: { balancer: name, limits }, picker })
}

function take(service: Service): Endpoint | null {
  return takeEndpoint(exchange as unknown as Exchange, service)
}

test.each(Object.keys(balancers) as (keyof typeof balancers)[])(
  '%s fills every endpoint to its limit and not beyond, however many there are',
  (name) => {
    const service = filling(
      Array.from({ length: 50 }, () => 1),
      3,
      name,
    )

    for (let i = 0; i < 150; i++) expect(take(service)).not.toBeNull()

    expect(take(service)).toBeNull()
    expect(service.all.map(({ cell }) => cell.inflight())).toEqual(Array.from({ length: 50 }, () => 3))
  },
)

test('an endpoint that was tried is not taken, however much room it has', () => {
  const service = filling([1, 1, 1], 1, 'round-robin')
  const [first, second, third] = service.all as [Endpoint, Endpoint, Endpoint]
  exchange.tried = [first]

  expect(new Set([take(service), take(service)])).toEqual(new Set([second, third]))
  expect(take(service)).toBeNull()
  expect(exchange.tried).toEqual([first])
  expect(exchange.context.passedOver).toEqual([])
})

test('an endpoint of weight 0 is not taken while others are full', () => {
  const service = filling([...Array.from({ length: 20 }, () => 1), 0], 1, 'round-robin')

  for (let i = 0; i < 20; i++) expect(take(service)?.weight).toBe(1)

  expect(take(service)).toBeNull()
})

test('endpoints are taken in the balancer’s order while there is room', () => {
  const service = filling([1, 1, 1], 100, 'round-robin')
  const order = Array.from({ length: 3 }, () => take(service))

  for (let i = 0; i < 9; i++) expect(take(service)).toBe(order[i % 3])
})

test('an answer in hand is not given up for an endpoint that has its share of a limit that was found', () => {
  const ledger = Ledger.create(1, 0)
  const endpoints = makeEndpoints([1, 1], ledger)
  const limits = { requests: null, findsRequests: true, requestsPerEndpoint: null, pending: null, pendingTimeoutMs: 1 }
  const service = makeService(ledger, endpoints, { settings: { limits } })
  const [current, other] = endpoints as [Endpoint, Endpoint]
  ledger.service(0).setFound({ requests: 2, pending: 1, perWeight: 1 })
  const x = { ...exchange, admission: {}, endpoint: current } as unknown as Exchange

  expect(hasUntried(x, service, current)).toBe(true)
  other.cell.acquire()
  expect(hasUntried(x, service, current)).toBe(false)
  ledger.service(0).setFound(null)
  expect(hasUntried(x, service, current)).toBe(true)
})
