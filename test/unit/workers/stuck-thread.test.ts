import { expect, test } from 'vitest'
import { Ledger } from '../../../src/core/ledger.ts'
import { createDataPlane } from '../../../src/workers/data-plane.ts'

test('a thread whose event loop stands still is replaced, and what it had in flight and open is taken back', async () => {
  const ledger = Ledger.create(1, 0)
  ledger.reserve(1, 1)
  ledger.reserveListeners(1)
  ledger.reserveClients(0, 1)
  const started: number[] = []
  const lost = Promise.withResolvers<{ id: number; cause: string }>()
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  const plane = createDataPlane({
    workers: 1,
    sharesPorts: false,
    drainDeadlineMs: () => 0,
    ledger,
    logFd: 1,
    accessLog: () => {},
    stuckMs: 1000,
    entry: new URL('../../support/stuck-thread.ts', import.meta.url),
    onStarted: (id) => {
      started.push(id)
      ;(started.length === 1 ? first : second).resolve()
    },
    onMessage: () => {},
    onLeaving: () => {},
    onLost: (id, { cause }) => lost.resolve({ id, cause }),
  })
  const channel = new BroadcastChannel('stuck-thread')
  try {
    plane.start()
    await first.promise
    ledger.endpoint(0, 0).acquire()
    ledger.listener(0, 0).acquire(1)
    ledger.clients(0, 0)?.acquire('10.0.0.1', 1)
    channel.postMessage(0)

    expect(await lost.promise).toEqual({ id: 1, cause: 'its event loop stood still for 1000 ms' })
    await second.promise
    expect(started).toEqual([1, 2])
    expect(ledger.endpoint(0, -1).inflight()).toBe(0)
    expect(ledger.listener(0, -1).count()).toBe(0)
    expect(ledger.clients(0, -1)?.count('10.0.0.1')).toBe(0)
  } finally {
    channel.close()
    await plane.stop()
  }
})
