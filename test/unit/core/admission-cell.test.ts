import { expect, test } from 'vitest'
import { Ledger } from '../../../src/core/ledger.ts'

function makeCells() {
  const ledger = Ledger.create(3, 0)
  ledger.reserve(0, 2)
  return { ledger, cells: [0, 1, 2].map((worker) => ledger.admission(1, worker)) as [Cell, Cell, Cell] }
}
type Cell = ReturnType<Ledger['admission']>

test('it is the turn of the thread whose first has the oldest ticket', () => {
  const [zero, one, two] = makeCells().cells
  const [older, newer] = [zero.takeTicket(), one.takeTicket()]
  two.show(newer)
  one.show(older)

  expect([zero, one, two].map((cell) => cell.isTurn())).toEqual([false, true, false])
  one.show(0)
  expect([zero, one, two].map((cell) => cell.isTurn())).toEqual([false, false, true])
  two.show(0)
  expect([zero, one, two].map((cell) => cell.isTurn())).toEqual([true, true, true])
})

test('the order holds when tickets wrap around', () => {
  const { ledger, cells } = makeCells()
  const [zero, one] = cells
  const { queues } = ledger.shape().admissions[0] as { queues: SharedArrayBuffer }
  const ints = new Int32Array(queues)
  // Columns of a row: the last ticket, three heads, three wakes.
  ints[7] = 2 ** 31 - 1
  zero.show(2 ** 31 - 1)
  one.show(zero.takeTicket())

  expect([zero.isTurn(), one.isTurn()]).toEqual([true, false])
})

test('no ticket is 0, which says that nobody waits', () => {
  const { ledger, cells } = makeCells()
  const { queues } = ledger.shape().admissions[0] as { queues: SharedArrayBuffer }
  new Int32Array(queues)[7] = -1

  expect(cells[0].takeTicket()).toBe(1)
})

test('a thread is woken when it is its turn and another looks, even if that was before it listened', async () => {
  const [zero, one] = makeCells().cells
  one.show(one.takeTicket())
  const wakes = one.wakes()
  const woken = one.woken(wakes)

  zero.isTurn()

  await woken
  expect(one.woken(wakes)).toBeNull()
})

test('a dead thread’s places and its turn are taken back', () => {
  const { ledger, cells } = makeCells()
  const [zero, one] = cells
  one.inflight.acquire(10)
  zero.inflight.acquire(10)
  one.waiting.acquire(10)
  one.show(one.takeTicket())

  ledger.takeBack(1)

  expect([zero.inflight.count(), zero.waiting.count(), zero.isTurn()]).toEqual([1, 0, true])
})

test('a row that is used again is as new, and its neighbour untouched', () => {
  const { ledger, cells } = makeCells()
  const other = ledger.admission(0, 0)
  other.inflight.acquire(1)
  cells[0].inflight.acquire(1)
  cells[0].show(cells[0].takeTicket())

  cells[0].clear()

  expect([cells[0].isIdle(), cells[1].isTurn(), cells[0].takeTicket()]).toEqual([true, true, 1])
  expect(other.isIdle()).toBe(false)
})
