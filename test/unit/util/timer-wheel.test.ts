import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TimerWheel, WheelTimer } from '../../../src/util/timer-wheel.ts'

const tickMs = 10

/** A wheel on a clock of its own, with an interval that is as punctual as told. */
function makeWheel(buckets = 8) {
  const clock = { ms: 1000 }
  const wheel = new TimerWheel({ tickMs, buckets, now: () => clock.ms })
  const advance = (ms: number) => {
    for (let left = ms; left > 0; left -= tickMs) {
      clock.ms += Math.min(left, tickMs)
      wheel.tick()
    }
  }
  return { clock, wheel, advance }
}

describe('TimerWheel', () => {
  it('fires once when the time has passed', () => {
    const { wheel, advance } = makeWheel()
    let fired = 0
    const timer = new WheelTimer(() => fired++)
    wheel.arm(timer, 30)
    expect(timer.armed).toBe(true)
    advance(30)
    expect(fired).toBe(0)
    advance(30)
    expect(fired).toBe(1)
    expect(timer.armed).toBe(false)
    advance(1000)
    expect(fired).toBe(1)
  })

  it('keeps its deadline when it is armed with what another has left, however long the event loop stood still', () => {
    const { clock, wheel, advance } = makeWheel()
    const fired: string[] = []
    const [first, second] = [new WheelTimer(() => fired.push('first')), new WheelTimer(() => fired.push('second'))]
    wheel.arm(first, 60)
    advance(20)
    clock.ms += 5000
    advance(10)
    const leftMs = wheel.left(first)
    expect(leftMs).toBe(20)
    wheel.arm(second, leftMs)
    advance(20)
    expect(fired).toEqual([])
    advance(20)
    expect(fired.toSorted()).toEqual(['first', 'second'])
  })

  it('does not fire once disarmed', () => {
    const { wheel, advance } = makeWheel()
    let fired = 0
    const timer = new WheelTimer(() => fired++)
    wheel.arm(timer, 30)
    wheel.disarm(timer)
    expect(timer.armed).toBe(false)
    advance(1000)
    expect(fired).toBe(0)
  })

  it('may be armed again after it was disarmed, to an earlier and to a later time', () => {
    const { clock, wheel, advance } = makeWheel()
    const firedAt: number[] = []
    const timer = new WheelTimer(() => firedAt.push(clock.ms))
    wheel.arm(timer, 70)
    wheel.disarm(timer)
    wheel.arm(timer, 20)
    advance(200)
    wheel.arm(timer, 20)
    wheel.disarm(timer)
    wheel.arm(timer, 300)
    advance(1000)
    expect(firedAt).toHaveLength(2)
    expect(firedAt[0]).toBeLessThanOrEqual(1050)
    expect(firedAt[1]).toBeGreaterThanOrEqual(1500)
  })

  it('holds times longer than a whole turn', () => {
    const { clock, wheel, advance } = makeWheel(4)
    const firedAt: number[] = []
    wheel.arm(new WheelTimer(() => firedAt.push(clock.ms)), 5000)
    advance(6000)
    expect(firedAt).toHaveLength(1)
    expect(firedAt[0]).toBeGreaterThanOrEqual(6000)
    expect(firedAt[0]).toBeLessThanOrEqual(6030)
  })

  it('lets a callback arm its own timer again, and arm or disarm others that are due', () => {
    const { wheel, advance } = makeWheel()
    const fired: string[] = []
    const repeated: WheelTimer = new WheelTimer(() => {
      fired.push('repeated')
      wheel.arm(repeated, 0)
    })
    const victim = new WheelTimer(() => fired.push('victim'))
    const moved = new WheelTimer(() => fired.push('moved'))
    const first = new WheelTimer(() => {
      fired.push('first')
      wheel.disarm(victim)
      wheel.arm(moved, 200)
    })
    // The last armed fires first within a tick.
    for (const timer of [repeated, moved, victim, first]) wheel.arm(timer, 20)
    advance(100)
    expect(fired.slice(0, 2)).toEqual(['first', 'repeated'])
    expect(fired.filter((name) => name === 'repeated').length).toBeGreaterThan(2)
    expect(fired).not.toContain('victim')
    expect(fired).not.toContain('moved')
    advance(200)
    expect(fired).toContain('moved')
  })

  it('takes a stall of the event loop for two ticks, so that it is nobody’s silence', () => {
    const { clock, wheel, advance } = makeWheel()
    let fired = 0
    wheel.arm(new WheelTimer(() => fired++), 50)
    clock.ms += 60_000
    wheel.tick()
    expect(fired).toBe(0)
    advance(60)
    expect(fired).toBe(1)
  })

  it('does not go back when its clock does', () => {
    const { clock, wheel, advance } = makeWheel()
    let fired = 0
    wheel.arm(new WheelTimer(() => fired++), 50)
    clock.ms -= 10_000
    wheel.tick()
    advance(100)
    expect(fired).toBe(1)
  })

  it('ticks by itself between start and stop, on the real clock', async () => {
    const wheel = new TimerWheel({ tickMs: 1 })
    wheel.start()
    wheel.start()
    const timer = await new Promise<WheelTimer>((resolve) => {
      const armed: WheelTimer = new WheelTimer(() => resolve(armed))
      wheel.arm(armed, 5)
    })
    expect(timer.armed).toBe(false)
    wheel.stop()
    wheel.stop()
  })

  it('does with every timer what a list of deadlines would do, never early and at most three ticks late', () => {
    const step = fc.oneof(
      fc.record({ act: fc.constant('arm' as const), timer: fc.nat({ max: 5 }), ms: fc.nat({ max: 300 }) }),
      fc.record({ act: fc.constant('disarm' as const), timer: fc.nat({ max: 5 }), ms: fc.constant(0) }),
      fc.record({ act: fc.constant('pass' as const), timer: fc.constant(0), ms: fc.nat({ max: 12 }) }),
    )
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200, size: 'max' }),
        fc.integer({ min: 2, max: 40 }),
        (steps, buckets) => {
          const { clock, wheel, advance } = makeWheel(buckets)
          const deadlines = new Map<number, number>()
          const timers = Array.from({ length: 6 }, (_, index) => {
            return new WheelTimer(() => {
              const deadline = deadlines.get(index)
              expect(deadline).toBeDefined()
              expect(clock.ms).toBeGreaterThanOrEqual(deadline!)
              deadlines.delete(index)
            })
          })
          for (const { act, timer, ms } of steps) {
            if (act === 'arm') {
              wheel.arm(timers[timer]!, ms)
              deadlines.set(timer, clock.ms + ms)
            } else if (act === 'disarm') {
              wheel.disarm(timers[timer]!)
              deadlines.delete(timer)
            } else {
              // The interval comes when it comes: here a tick lasts up to 12 ms, which is counted in full.
              clock.ms += ms
              wheel.tick()
            }
            for (const deadline of deadlines.values()) expect(clock.ms).toBeLessThan(deadline + 3 * tickMs + 12)
          }
          advance(400)
          expect(deadlines.size).toBe(0)
          expect(timers.some((timer) => timer.armed)).toBe(false)
        },
      ),
      { numRuns: 500 },
    )
  })
})
