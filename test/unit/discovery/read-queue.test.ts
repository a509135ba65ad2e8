import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ReadQueue } from '../../../src/discovery/read-queue.ts'

/** A queue whose jobs end when told. */
function start(maxRunning: number) {
  const started: string[] = []
  const jobs = new Map<string, () => void>()
  const queue = new ReadQueue<string>(maxRunning, async (item) => {
    started.push(item)
    const { promise, resolve } = Promise.withResolvers<void>()
    jobs.set(item, resolve)
    await promise
  })
  const finish = async (item: string) => {
    jobs.get(item)?.()
    await setImmediate()
  }
  return { queue, started, finish }
}

describe('the queue of reads', () => {
  it('runs a bounded number at once', async () => {
    const { queue, started, finish } = start(2)
    for (const item of ['a', 'b', 'c']) queue.add(item, false)
    expect(started).toEqual(['a', 'b'])
    await finish('b')
    expect(started).toEqual(['a', 'b', 'c'])
  })

  it('runs one job for an item that is added often', async () => {
    const { queue, started, finish } = start(1)
    for (const item of ['a', 'b', 'b', 'c', 'b']) queue.add(item, false)
    for (const item of ['a', 'b', 'c']) await finish(item)
    expect(started).toEqual(['a', 'b', 'c'])
  })

  it('lets urgent items go first, once', async () => {
    const { queue, started, finish } = start(1)
    for (const item of ['a', 'b', 'c']) queue.add(item, false)
    queue.add('c', true)
    for (const item of ['a', 'c', 'b']) await finish(item)
    expect(started).toEqual(['a', 'c', 'b'])
  })

  it('runs an item again that was added while its job ran, and not both at once', async () => {
    const { queue, started, finish } = start(2)
    queue.add('a', false)
    queue.add('a', true)
    queue.add('b', false)
    expect(started).toEqual(['a', 'b'])
    await finish('a')
    expect(started).toEqual(['a', 'b', 'a'])
  })
})
