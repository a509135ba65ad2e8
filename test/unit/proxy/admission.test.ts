import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Ledger } from '../../../src/core/ledger.ts'
import { Admission } from '../../../src/proxy/admission.ts'
import type { Exchange } from '../../../src/proxy/exchange.ts'
import { TimerWheel } from '../../../src/util/timer-wheel.ts'
import { makeEndpoints } from '../../support/endpoints.ts'
import { makeService } from '../../support/service.ts'

interface Request {
  readonly name: string
  readonly x: Exchange
  readonly admission: Admission
}

/** Two data threads over one Ledger, whose wheels stand still: who waits is let in because it is woken, or never. */
function twoThreads(requests: number) {
  const ledger = Ledger.create(2, 0)
  const endpoints = makeEndpoints([1], ledger)
  const [endpoint = null] = endpoints
  const limits = { requests, findsRequests: false, requestsPerEndpoint: null, pending: 10, pendingTimeoutMs: 60_000 }
  const forwarded: string[] = []
  const threads = [0, 1].map((column) => {
    const service = makeService(ledger, endpoints, { settings: { limits }, picker: { pick: () => endpoint } })
    return new Admission(service, ledger.admission(0, column), new TimerWheel())
  })
  /** A request that comes to that thread. */
  function enter(thread: 0 | 1, name: string): Request {
    const admission = threads[thread] as Admission
    const forwarder = { forward: () => void forwarded.push(name) }
    const parts = { forwarder, attempts: 0, tried: null, ticket: 0, place: 0, startedMs: performance.now() }
    const x = { ...parts, waitsBehind: null, waitsBefore: null } as unknown as Exchange
    admission.enter(x)
    return { name, x, admission }
  }
  async function forwards(count: number): Promise<readonly string[]> {
    while (forwarded.length < count) await nextTurn()
    return forwarded
  }
  return { enter, forwarded, forwards }
}

function settle({ x, admission }: Request): void {
  admission.leave(x)
  admission.goOn()
}

test('a thread with nothing in flight is woken by the thread that frees a place', async () => {
  const { enter, forwarded, forwards } = twoThreads(1)
  const first = enter(0, 'first')
  enter(1, 'second')
  expect(forwarded).toEqual(['first'])
  settle(first)
  expect(await forwards(2)).toEqual(['first', 'second'])
})

test('places go round by order of arrival, whichever thread frees them', async () => {
  const { enter, forwards } = twoThreads(1)
  const requests = [0, 1, 1, 0, 1, 0, 0].map((thread, i) => enter(thread as 0 | 1, `${i}`))
  for (const [i, request] of requests.entries()) {
    expect((await forwards(i + 1)).at(-1)).toBe(request.name)
    settle(request)
  }
})

test('a thread is woken again and again, for as many places as are freed at once', async () => {
  const { enter, forwards } = twoThreads(3)
  const first = ['a', 'b', 'c'].map((name) => enter(0, name))
  for (const name of ['d', 'e', 'f']) enter(1, name)
  for (const request of first) settle(request)
  expect(await forwards(6)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
})

test('a place that is freed before a thread listens is not lost on it', async () => {
  const { enter, forwards } = twoThreads(1)
  const [first, second] = [enter(0, 'first'), enter(1, 'second')]
  settle(first)
  const third = enter(0, 'third')
  await forwards(2)
  settle(second)
  expect(await forwards(3)).toEqual(['first', 'second', 'third'])
  settle(third)
})

test('one that gives up hands its turn to who waits in the other thread', async () => {
  const { enter, forwards } = twoThreads(1)
  const first = enter(0, 'first')
  const leaving = enter(0, 'leaving')
  enter(1, 'last')
  settle(leaving)
  settle(first)
  expect(await forwards(2)).toEqual(['first', 'last'])
})
