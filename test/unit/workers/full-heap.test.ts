import { expect, test } from 'vitest'
import { Ledger } from '../../../src/core/ledger.ts'
import type { ControlMessage, ThreadMessage } from '../../../src/core/message.ts'
import { columnsFor, createDataPlane, type ThreadLoss } from '../../../src/workers/data-plane.ts'

test('a thread whose heap is nearly full is replaced before it dies of it, and drained', async () => {
  const ledger = Ledger.create(columnsFor(1, true), 0)
  ledger.reserve(1, 1)
  const config: ControlMessage = {
    type: 'config',
    ledger: ledger.shape(),
    snapshot: { version: 1, listeners: [], services: [], routes: [], accessLog: false },
    forgotten: 0,
  }
  const story: string[] = []
  const serving = Promise.withResolvers<void>()
  const lost = Promise.withResolvers<ThreadLoss>()
  const plane = createDataPlane({
    workers: 1,
    sharesPorts: true,
    ledger,
    logFd: 1,
    accessLog: () => {},
    drainDeadlineMs: () => 1000,
    maxHeapMb: 128,
    entry: new URL('../../support/leaking-thread.ts', import.meta.url),
    onStarted: (_, send) => send(config),
    onMessage: (id, { type }: ThreadMessage) => {
      if (type !== 'config-applied' && type !== 'drained') return
      story.push(`${id} ${type}`)
      serving.resolve()
    },
    onLeaving: (id) => story.push(`${id} leaves`),
    onLost: (_, loss) => lost.resolve(loss),
  })
  const channel = new BroadcastChannel('leaking-thread')
  try {
    plane.start()
    await serving.promise
    channel.postMessage('leak')

    expect(await lost.promise).toEqual({
      cause: 'its heap was nearly full; 0 connections were cut',
      wasAsked: false,
      wasLeaving: true,
    })
    expect(story).toEqual(['1 config-applied', '2 config-applied', '1 leaves', '1 drained'])
    expect(plane.threads()).toMatchObject([{ column: 1, id: 2, state: 'serving', restarts: 0 }])
  } finally {
    channel.close()
    await plane.stop()
  }
})
