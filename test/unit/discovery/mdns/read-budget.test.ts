import { expect, it } from 'vitest'
import { ReadBudget } from '../../../../src/discovery/mdns/read-budget.ts'

/** How many messages are read of what a sender says 1,000 times a second for ten seconds. */
function read(budget: ReadBudget, senderAt: (nowMs: number) => string, steps: number): number {
  let count = 0
  for (let nowMs = 0; nowMs < 10_000; nowMs++) {
    const sender = senderAt(nowMs)
    if (budget.isSpent(sender, nowMs)) continue
    budget.spend(sender, steps, nowMs)
    count++
  }
  return count
}

it('lets a thousand messages a second be read of one instance each', () => {
  expect(read(new ReadBudget(), () => '10.0.0.1', 40)).toBe(10_000)
})

it('lets no more be read of the greatest messages than a share of the time, and a second of it at once', () => {
  expect(read(new ReadBudget(), () => '10.0.0.1', 10_000)).toBe(100 + 10)
})

it('has a limit for all together, whatever addresses they come from', () => {
  expect(read(new ReadBudget(), (nowMs) => `10.0.${nowMs >> 8}.${nowMs & 255}`, 10_000)).toBe(400 + 40)
})

it('leaves room for others beside a sender that has spent its share, and for that one again later', () => {
  const budget = new ReadBudget()
  while (!budget.isSpent('10.0.0.1', 0)) budget.spend('10.0.0.1', 10_000, 0)
  expect(budget.isSpent('10.0.0.2', 0)).toBe(false)
  expect(budget.isSpent('10.0.0.1', 200)).toBe(false)
})
