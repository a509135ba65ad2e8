import { beforeEach, describe, expect, test } from 'vitest'
import type { Endpoint } from '../../../src/core/endpoint.ts'
import { failures, type Failure } from '../../../src/core/failure.ts'
import { Ledger } from '../../../src/core/ledger.ts'
import type { RetryRule } from '../../../src/core/route.ts'
import type { Service } from '../../../src/core/service.ts'
import type { Exchange } from '../../../src/proxy/exchange.ts'
import { backoffMs, decideRetry, depositForRequest, isIdempotent } from '../../../src/proxy/retry.ts'
import { makeEndpoints } from '../../support/endpoints.ts'
import { retryRule } from '../../support/retry-rule.ts'
import { makeService } from '../../support/service.ts'

let service: Service
let endpoints: Endpoint[]

beforeEach(() => {
  const ledger = Ledger.create(1, 0)
  endpoints = makeEndpoints([1, 1, 1, 1], ledger)
  service = makeService(ledger, endpoints)
})

interface State {
  readonly method?: string
  readonly status?: number
  readonly hasInterim?: boolean
  readonly attempts?: number
  readonly tried?: Endpoint[]
  readonly requestBytes?: number
  readonly kept?: Buffer[] | null
  readonly resent?: number
  readonly retry?: Partial<RetryRule>
}

/** The decision for an exchange in this state: one attempt failed at the first of four endpoints, unless told otherwise. */
function decide(failure: Failure, state: State = {}, wasReused = false): string {
  const { method = 'GET', retry, ...rest } = state
  const exchange = {
    status: 0,
    hasInterim: false,
    attempts: 1,
    endpoint: endpoints[0],
    resent: 0,
    tried: endpoints.slice(0, 1),
    requestBytes: 0,
    kept: null,
    ...rest,
    head: { method },
    route: { rule: { retry: retryRule(retry) } },
  }
  return decideRetry(exchange as unknown as Exchange, service, failure, wasReused)
}

/** No time-based budget any more: only what requests deposit. */
function stopRefill(): void {
  service.cell.claimRefill(2 ** 31 - 1)
}

test('methods that may be repeated are those of RFC 9110 section 9.2.2', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) expect(isIdempotent(method)).toBe(true)
  for (const method of ['POST', 'PATCH', 'get', 'PROPFIND', '']) expect(isIdempotent(method)).toBe(false)
})

describe('where nothing was sent', () => {
  test.each(['connect-refused', 'connect-timeout'] as const)(
    '%s tries three endpoints, whatever the method',
    (failure) => {
      expect(decide(failure, { method: 'POST', retry: { attempts: 0 } })).toBe('now')
      expect(decide(failure, { method: 'POST', attempts: 2, tried: endpoints.slice(0, 2) })).toBe('now')
      expect(decide(failure, { method: 'POST', attempts: 3, tried: endpoints.slice(0, 3) })).toBe('never')
    },
  )

  test('an attempt on a connection that had gone stale is none of the three endpoints', () => {
    expect(decide('connect-refused', { attempts: 3, tried: endpoints.slice(0, 2) })).toBe('now')
  })

  test('takes nothing from the budget', () => {
    stopRefill()
    expect(decide('connect-refused')).toBe('now')
  })

  test('gives up when every endpoint was tried', () => {
    expect(decide('connect-refused', { tried: endpoints })).toBe('never')
  })

  test('goes on when the ones tried are no longer eligible', () => {
    service.relist(endpoints.slice(3))
    expect(decide('connect-refused', { tried: endpoints.slice(0, 1) })).toBe('now')
  })
})

describe('where bytes were sent and none came back', () => {
  test('repeats what may be repeated, as often as the route says', () => {
    expect(decide('reset-before-head')).toBe('after-backoff')
    expect(decide('reset-before-head', { resent: 1 })).toBe('never')
    expect(decide('reset-before-head', { resent: 1, retry: { attempts: 2 } })).toBe('after-backoff')
    expect(decide('reset-before-head', { retry: { attempts: 0 } })).toBe('never')
    expect(decide('reset-before-head', { method: 'POST' })).toBe('never')
  })

  test('does not wait when a kept connection was closed as it was used', () => {
    expect(decide('reset-before-head', {}, true)).toBe('now')
  })

  test('repeats a body only while all of it is kept', () => {
    expect(decide('reset-before-head', { method: 'PUT', requestBytes: 5, kept: [Buffer.from('hello')] })).toBe(
      'after-backoff',
    )
    expect(decide('reset-before-head', { method: 'PUT', requestBytes: 5, kept: null })).toBe('never')
    expect(decide('connect-refused', { method: 'PUT', requestBytes: 5, kept: null })).toBe('never')
  })

  test('stays within a fifth of the requests once the time-based budget is spent', () => {
    stopRefill()
    for (let request = 0; request < 4; request++) depositForRequest(service)
    expect(decide('reset-before-head')).toBe('no-budget')
    depositForRequest(service)
    expect(decide('reset-before-head')).toBe('after-backoff')
    expect(decide('reset-before-head')).toBe('no-budget')
  })
})

test('nothing is retried once an answer has begun, nor after a failure that forbids it', () => {
  const all = Object.keys(failures) as Failure[]
  for (const failure of all) {
    expect(decide(failure, { status: 200 })).toBe('never')
    expect(decide(failure, { hasInterim: true })).toBe('never')
  }
  const final = all.filter((failure) => failures[failure].retry === 'never')
  for (const failure of final) expect(decide(failure)).toBe('never')
})

test('backs off between 25 and 250 ms', () => {
  expect(backoffMs(() => 0)).toBe(25)
  expect(backoffMs(() => 0.5)).toBe(137.5)
  expect(backoffMs(() => 1)).toBe(250)
})
