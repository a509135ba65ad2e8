import { expect, test } from 'vitest'
import { Queue } from '../../../bench/chaos/load/queue.ts'

test('a queue gives in the order in which it was given, however long it became', () => {
  const queue = new Queue<number>()
  const taken: (number | undefined)[] = []
  for (let i = 0; i < 10_000; i++) {
    queue.push(i)
    if (i % 3 === 0) taken.push(queue.shift())
  }
  expect(queue.size).toBe(10_000 - taken.length)
  expect(queue.first).toBe(taken.length)
  while (queue.size > 0) taken.push(queue.shift())
  expect(taken).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
  expect([queue.first, queue.shift()]).toEqual([undefined, undefined])
})
