import { describe, expect, it } from 'vitest'
import { SaveQueue } from '../../../src/control/save-queue.ts'
import { FakeClock, settled } from './fake-clock.ts'

interface Saved {
  readonly key: string
  readonly wanted: string | null
  readonly atMs: number
  readonly isSure: boolean
}

function setUp() {
  const clock = new FakeClock()
  const startMs = clock.now()
  const saved: Saved[] = []
  /** While it is not null, a save ends when the test says so. */
  const disk = { gate: null as Promise<void> | null, isFull: false, busy: 0, busiest: 0 }
  const queue = new SaveQueue<string | null>({
    clock,
    async save(key, wanted, isSure) {
      disk.busiest = Math.max(disk.busiest, ++disk.busy)
      await disk.gate
      disk.busy--
      if (disk.isFull) return false
      saved.push({ key, wanted, atMs: clock.now() - startMs, isSure })
      return true
    },
  })
  return { clock, queue, saved, disk, values: () => saved.map(({ key, wanted }) => `${key}=${wanted}`) }
}

const keys = (count: number) => Array.from({ length: count }, (_, index) => `s${index}`)

describe('SaveQueue', () => {
  it('saves at once where little changes', async () => {
    const { clock, queue, values } = setUp()
    queue.want('users', 'a')
    queue.want('orders', 'b')
    await clock.advance(0)
    expect(values()).toEqual(['users=a', 'orders=b'])
  })

  it('saves a key once a second at most, with what was wanted last, and holds up no other', async () => {
    const { clock, queue, values } = setUp()
    queue.want('users', 'a')
    await clock.advance(0)
    queue.want('users', 'b')
    queue.want('users', 'c')
    queue.want('orders', 'd')
    await clock.advance(999)
    expect(values()).toEqual(['users=a', 'orders=d'])
    await clock.advance(1)
    expect(values()).toEqual(['users=a', 'orders=d', 'users=c'])
  })

  it('saves a hundred at once and a hundred a second, each in its turn, whatever changes meanwhile', async () => {
    const { clock, queue, saved } = setUp()
    for (const key of keys(1000)) queue.want(key, 'first')
    await clock.advance(0)
    expect(saved).toHaveLength(100)
    for (let second = 1; second <= 9; second++) {
      await clock.advance(500)
      for (const key of keys(1000)) queue.want(key, `at ${second}`)
      await clock.advance(500)
    }
    expect(saved).toHaveLength(1000)
    expect(saved.map(({ key }) => key)).toEqual(keys(1000))
    // The 500th had its turn after four seconds, with what was wanted by then.
    expect(saved[499]).toMatchObject({ wanted: 'at 4', atMs: 4000 })
  })

  it('has two on their way at a time', async () => {
    const { clock, queue, saved, disk } = setUp()
    const gate = Promise.withResolvers<void>()
    disk.gate = gate.promise
    for (const key of keys(10)) queue.want(key, 'a')
    await clock.advance(1000)
    expect(disk.busy).toBe(2)
    gate.resolve()
    await settled()
    expect([saved.length, disk.busiest]).toEqual([10, 2])
  })

  it('tries again what could not be saved, with what is wanted by then', async () => {
    const { clock, queue, disk, values } = setUp()
    const gate = Promise.withResolvers<void>()
    Object.assign(disk, { gate: gate.promise, isFull: true })
    queue.want('users', 'a')
    queue.want('orders', 'b')
    await clock.advance(0)
    queue.want('users', null)
    gate.resolve()
    await settled()
    disk.isFull = false
    await clock.advance(1000)
    expect(values()).toEqual(['users=null', 'orders=b'])
  })

  it('has nothing left to do when all is saved', async () => {
    const { clock, queue } = setUp()
    for (const key of keys(200)) queue.want(key, 'a')
    await clock.advance(3000)
    expect(clock.timers).toBe(0)
  })

  it('saves all that still waits when it is finished, each once, whatever it waits for, and nothing from then on', async () => {
    const { clock, queue, disk, values } = setUp()
    queue.want('rests', 'a')
    await clock.advance(0)
    queue.want('rests', 'b')
    const gate = Promise.withResolvers<void>()
    disk.gate = gate.promise
    for (const key of ['saving', 'saving too', 'waits']) queue.want(key, 'c')
    await clock.advance(0)
    queue.want('saving', 'd')
    const finished = queue.finish()
    queue.want('waits', 'too late')
    gate.resolve()
    await finished
    await clock.advance(5000)
    expect(values()).toHaveLength(6)
    expect(new Set(values())).toEqual(
      new Set(['rests=a', 'rests=b', 'saving=c', 'saving too=c', 'saving=d', 'waits=c']),
    )
    expect(clock.timers).toBe(0)
  })

  it('does not wait for the disk any more when the end takes more than a second', async () => {
    const { clock, queue, saved, disk } = setUp()
    const gate = Promise.withResolvers<void>()
    disk.gate = gate.promise
    for (const key of keys(20)) queue.want(key, 'a')
    const finished = queue.finish()
    await clock.advance(1000)
    gate.resolve()
    await finished
    expect(saved.map(({ isSure }) => isSure)).toEqual(keys(20).map((_, index) => index < 8))
    expect(disk.busiest).toBe(8)
  })
})
