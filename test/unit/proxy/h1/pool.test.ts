import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Endpoint } from '../../../../src/core/endpoint.ts'
import type { ProxyContext } from '../../../../src/proxy/context.ts'
import { Pool } from '../../../../src/proxy/h1/pool.ts'
import type { UpstreamConnection } from '../../../../src/proxy/h1/upstream.ts'

class FakeConnection {
  idleUntilMs = 0
  isDestroyed = false

  destroy(): void {
    this.isDestroyed = true
  }
}

beforeEach(() => {
  vi.spyOn(performance, 'now').mockReturnValue(1_000_000)
})
afterEach(() => vi.restoreAllMocks())

function newPool(restingPools = new Set()): Pool {
  return new Pool({ restingPools } as unknown as ProxyContext, {} as Endpoint)
}

/** @returns how long from now it may be idle, in milliseconds; -1 when it was not kept */
function give(pool: Pool, connection: FakeConnection, announcedMs: number): number {
  pool.give(connection as unknown as UpstreamConnection, announcedMs, performance.now())
  return connection.isDestroyed ? -1 : connection.idleUntilMs - performance.now()
}

test.each([
  ['4 s when the endpoint announces nothing', -1, 4000],
  ['a second less than it announces', 3000, 2000],
  ['4 s when it announces more', 60_000, 4000],
  ['not at all when it announces a second', 1000, -1],
  ['not at all when it announces none', 0, -1],
])('keeps a connection %s', (_name, announcedMs, keptMs) => {
  expect(give(newPool(), new FakeConnection(), announcedMs)).toBe(keptMs)
})

test('hands out the connection that was given last', () => {
  const pool = newPool()
  const [first, second] = [new FakeConnection(), new FakeConnection()]
  give(pool, first, -1)
  give(pool, second, -1)

  expect([pool.take(performance.now()), pool.take(performance.now()), pool.take(performance.now())]).toEqual([
    second,
    first,
    null,
  ])
})

test('hands out none that has been idle too long, swept or not', () => {
  const pool = newPool()
  const old = new FakeConnection()
  give(pool, old, -1)
  old.idleUntilMs = performance.now() - 1

  expect(pool.take(performance.now())).toBeNull()
  expect(old.isDestroyed).toBe(true)
})

test('sweeps those that have been idle too long and keeps the rest', () => {
  const pool = newPool()
  const [short, long] = [new FakeConnection(), new FakeConnection()]
  give(pool, short, 2000)
  give(pool, long, -1)

  pool.sweep(performance.now() + 2000)

  expect([short.isDestroyed, long.isDestroyed]).toEqual([true, false])
  expect(pool.take(performance.now())).toBe(long)
})

test('is swept only while it may have idle connections', () => {
  const resting = new Set()
  const pool = newPool(resting)
  expect(resting.size).toBe(0)
  give(pool, new FakeConnection(), -1)
  pool.take(performance.now())
  give(pool, new FakeConnection(), -1)
  expect([...resting]).toEqual([pool])

  pool.sweep(performance.now())
  expect(resting.size).toBe(1)
  pool.sweep(performance.now() + 4000)
  expect(resting.size).toBe(0)

  give(pool, new FakeConnection(), -1)
  pool.close(false)
  pool.sweep(performance.now())
  expect(resting.size).toBe(0)
})

test('forgets a connection that ended by itself', () => {
  const pool = newPool()
  const ended = new FakeConnection()
  give(pool, ended, -1)

  pool.forget(ended as unknown as UpstreamConnection)

  expect(pool.take(performance.now())).toBeNull()
})

test('closed, it ends the idle connections and those that come back', () => {
  const pool = newPool()
  const [idle, busy] = [new FakeConnection(), new FakeConnection()]
  give(pool, idle, -1)

  pool.close(false)
  give(pool, busy, -1)

  expect([idle.isDestroyed, busy.isDestroyed]).toEqual([true, true])
  expect(pool.take(performance.now())).toBeNull()
})
