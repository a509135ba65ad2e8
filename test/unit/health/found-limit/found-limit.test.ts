import { describe, expect, it } from 'vitest'
import { Simulation } from '../../../support/service-simulation.ts'

/** What an instance takes for a request, with a little noise. */
function about(ms: number) {
  return (random: () => number) => ms * (0.8 + 0.4 * random())
}

const seconds = 1000
/** Three instances, four requests of 50 ms at a time each. */
const capacity = 240

function limited(simulation: Simulation): boolean {
  return simulation.history.some(({ phase }) => phase === 'limited')
}

describe('a service that is overloaded', () => {
  it('is found to be by requests that come at three times its capacity, and does as much as before for those that it takes', () => {
    const simulation = new Simulation({ slots: 4, serviceMs: about(50) })
    simulation.open(capacity / 2, 0, 5 * seconds).open(3 * capacity, 5 * seconds, 65 * seconds)
    simulation.run(65 * seconds)

    const found = simulation.history.find(({ phase }) => phase === 'limited')
    expect(found?.atMs).toBeLessThan(7 * seconds)
    expect(found?.why).toMatch(/^with 50 % fewer in flight \(\d+\) as many answers came/)
    // From the first second on.
    expect(simulation.during(5 * seconds, 65 * seconds).perSecond).toBeGreaterThan(0.97 * capacity)
    // Three and a half times an answer that waits for nothing; with the convergence left out.
    expect(simulation.during(7 * seconds, 65 * seconds).p99Ms).toBeLessThan(3.5 * 60)
  })

  it('is found to be by clients that ask again and again', () => {
    const simulation = new Simulation({ slots: 4, serviceMs: about(50) })
    simulation
      .open(capacity / 2, 0, 5 * seconds)
      .closed(100, 5 * seconds, 35 * seconds)
      .run(35 * seconds)

    expect(limited(simulation)).toBe(true)
    expect(simulation.during(8 * seconds, 35 * seconds).perSecond).toBeGreaterThan(0.97 * capacity)
    expect(simulation.during(8 * seconds, 35 * seconds).p99Ms).toBeLessThan(3.5 * 60)
  })

  it('is found to be at few requests a second', () => {
    const simulation = new Simulation({ slots: 2, serviceMs: about(100) }, 2)
    simulation
      .open(30, 0, 10 * seconds)
      .open(90, 10 * seconds, 60 * seconds)
      .run(60 * seconds)

    expect(limited(simulation)).toBe(true)
    expect(simulation.during(15 * seconds, 60 * seconds).perSecond).toBeGreaterThan(0.95 * 60)
  })

  it('is left alone again once less is asked of it', () => {
    const simulation = new Simulation({ slots: 4, serviceMs: about(50) })
    simulation.open(capacity / 2, 0, 5 * seconds).open(3 * capacity, 5 * seconds, 20 * seconds)
    simulation.run(20 * seconds)
    expect(simulation.limit).not.toBeNull()

    simulation.open(capacity / 3, 20 * seconds, 40 * seconds).run(40 * seconds)

    expect(simulation.limit).toBeNull()
    expect(simulation.history.at(-1)?.why).toMatch(/^for 5 s less than \d+ were in flight, and none waited$/)
    expect(simulation.refusedMs.filter((atMs) => atMs > 21 * seconds)).toEqual([])
  })

  it('is followed when it can do half, and when it can do all again', () => {
    const service = { slots: 4, serviceMs: about(50) }
    const simulation = new Simulation(service)
    simulation.open(capacity / 2, 0, 5 * seconds).open(3 * capacity, 5 * seconds, 65 * seconds)
    simulation.run(25 * seconds)
    service.slots = 2
    simulation.run(45 * seconds)
    service.slots = 4
    simulation.run(65 * seconds)

    const [whole, half, again] = [10, 30, 50].map((from) => simulation.during(from * seconds, (from + 15) * seconds))
    expect(whole?.perSecond).toBeGreaterThan(0.95 * capacity)
    expect(half?.perSecond).toBeGreaterThan((0.95 * capacity) / 2)
    expect(again?.perSecond).toBeGreaterThan(0.95 * capacity)
    for (const span of [whole, half, again]) expect(span?.p99Ms).toBeLessThan(6 * 60)
  })

  it('is followed when each request takes twice as long', () => {
    const service = { slots: 4, serviceMs: about(50) }
    const simulation = new Simulation(service)
    simulation.open(capacity / 2, 0, 5 * seconds).open(3 * capacity, 5 * seconds, 45 * seconds)
    simulation.run(25 * seconds)
    service.serviceMs = about(100)
    simulation.run(45 * seconds)

    expect(simulation.during(30 * seconds, 45 * seconds).perSecond).toBeGreaterThan((0.95 * capacity) / 2)
  })

  it('is helped out again where its clients give up before it is their turn', () => {
    const simulation = new Simulation({ slots: 4, serviceMs: about(50) })
    simulation.patienceMs = 5 * seconds
    simulation.open(capacity / 2, 0, 5 * seconds).run(5 * seconds)
    // As if a probe had found nothing just before: it is not looked at until it is too late for another.
    const { learned } = simulation.finding
    const muted = { ...learned, mutedUntilMs: 15 * seconds, missedAtMs: 60 * seconds }
    simulation.finding = { ...simulation.finding, learned: muted }
    simulation.open(3 * capacity, 5 * seconds, 70 * seconds).run(70 * seconds)

    expect(simulation.history.map(({ phase }) => phase)).toContain('rescuing')
    expect(simulation.during(13 * seconds, 15 * seconds).perSecond).toBeLessThan(0.3 * capacity)
    expect(simulation.during(50 * seconds, 70 * seconds).perSecond).toBeGreaterThan(0.95 * capacity)
    expect(simulation.during(50 * seconds, 70 * seconds).p99Ms).toBeLessThan(3.5 * 60)
  })

  it('is found to be beside long polls, which keep their places', () => {
    const simulation = new Simulation({ slots: 4, serviceMs: about(50) })
    simulation.closed(200, 0, 90 * seconds, { isLong: true }).open(capacity / 2, 0, 60 * seconds)
    simulation.open(2 * capacity, 60 * seconds, 90 * seconds).run(90 * seconds)

    expect(limited(simulation)).toBe(true)
    expect(simulation.limit).toBeGreaterThan(150)
    expect(simulation.during(65 * seconds, 90 * seconds).perSecond).toBeGreaterThan(0.9 * capacity)
  })
})

describe('a service that is not overloaded', () => {
  it.each([1, 2, 3, 4, 5])('is not limited for being slow, when it does all of its requests at a time (%i)', (seed) => {
    const service = { slots: Infinity, serviceMs: about(20) }
    const simulation = new Simulation(service, seed)
    simulation.open(300, 0, 60 * seconds).run(5 * seconds)
    service.serviceMs = about(200)
    simulation.run(60 * seconds)

    expect(simulation.probes).toBe(1)
    expect(simulation.history.at(-1)?.why).toMatch(/^slow, not overloaded: with \d+ in flight \d+ answers\/s came/)
    expect(limited(simulation)).toBe(false)
    expect(simulation.refusedMs).toEqual([])
    expect(simulation.during(6 * seconds, 60 * seconds)).toMatchObject({ p99Ms: expect.closeTo(240, -1) })
  })

  it('is probed less and less often, however often it becomes slow', () => {
    const service = { slots: Infinity, serviceMs: about(20) }
    const simulation = new Simulation(service)
    simulation.open(300, 0, 600 * seconds)
    for (let at = 5; at < 600; at += 10) {
      simulation.at(at * seconds, () => (service.serviceMs = about(200)))
      simulation.at((at + 5) * seconds, () => (service.serviceMs = about(20)))
    }
    simulation.run(600 * seconds)

    expect(simulation.probes).toBeGreaterThan(1)
    expect(simulation.probes).toBeLessThan(8)
    expect(limited(simulation)).toBe(false)
    expect(simulation.refusedMs).toEqual([])
  })

  it('is never probed for long polls', () => {
    const simulation = new Simulation({ slots: 4, serviceMs: about(50) })
    simulation.closed(1000, 0, 120 * seconds, { isLong: true }).run(120 * seconds)

    expect(simulation.probes).toBe(0)
  })

  it('is never probed for long polls beside short requests', () => {
    const simulation = new Simulation({ slots: 4, serviceMs: about(50) })
    simulation
      .closed(500, 0, 60 * seconds, { isLong: true })
      .open(capacity / 2, 0, 60 * seconds)
      .run(60 * seconds)

    expect(simulation.probes).toBe(0)
  })

  it('loses nothing in a surge: what comes at once is worked off', () => {
    const simulation = new Simulation({ slots: 4, serviceMs: about(50) })
    simulation.open(capacity / 2, 0, 30 * seconds)
    for (const size of [50, 100, 200]) {
      const fromMs = (5 + size / 10) * seconds
      simulation.open(size * 20, fromMs, fromMs + 50)
    }
    simulation.run(30 * seconds)

    expect(simulation.refusedMs).toEqual([])
  })
})
