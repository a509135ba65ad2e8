import { describe, expect, it } from 'vitest'
import { ServiceWatch, type WatchOptions } from '../../../src/control/watch.ts'
import { FakeClock, settled } from './fake-clock.ts'
import { ScriptedWatch, answer, instance } from './scripted-watch.ts'

const a = [instance('a-1')]
const b = [instance('b-2')]

function setUp(options: Partial<WatchOptions> = {}) {
  const clock = new FakeClock()
  const script = new ScriptedWatch()
  const events: string[] = []
  const opened: number[] = []
  const startMs = clock.now()
  const watch = new ServiceWatch({
    open: (signal) => {
      opened.push(clock.now() - startMs)
      return script.run(signal)
    },
    clock,
    random: () => 0.5,
    remembered: null,
    afterOutage: false,
    listener: {
      answered: ({ instances, afterOutage, wentBackwards }, changed) => {
        const doubts = [afterOutage && 'after outage', wentBackwards && 'backwards', !changed && 'same'].filter(Boolean)
        events.push([instances.map(({ id }) => id).join('+') || 'none', ...doubts].join(', '))
      },
      unchanged: () => events.push('unchanged'),
      failed: (error, first) => events.push(`${first ? 'failed' : 'failed again'}: ${(error as Error).message}`),
    },
    ...options,
  })
  watch.start()
  return { clock, script, events, opened, watch }
}

describe('a watch', () => {
  it('passes on each answer that differs from the one before', async () => {
    const { script, events } = setUp()
    for (const given of [a, b, [...b], []]) script.says(answer(given))
    await settled()
    expect(events).toEqual(['a-1', 'b-2', 'unchanged', 'none'])
  })

  it('keeps silent about an error but for the error, and asks again; the next answer is in doubt', async () => {
    const { script, events, clock } = setUp()
    script.says(answer(a))
    script.fails('refused')
    await settled()
    script.says(answer(a))
    script.says(answer(a))
    await clock.advance(100)
    expect(events).toEqual(['a-1', 'failed: refused', 'a-1, after outage, same', 'unchanged'])
  })

  it('takes an end that nobody asked for as a failure', async () => {
    const { script, events } = setUp()
    script.ends()
    await settled()
    expect(events).toEqual(['failed: the watch ended by itself'])
  })

  it('backs off exponentially with full jitter up to 10 s, and tells a row of failures as one outage', async () => {
    const { script, events, clock, opened } = setUp()
    for (let i = 0; i < 11; i++) script.fails('no')
    await clock.advance(60_000)
    const gaps = opened.slice(1).map((atMs, n) => atMs - (opened[n] ?? 0))
    expect(gaps).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000])
    expect(events.filter((event) => event === 'failed: no')).toHaveLength(1)
  })

  it('backs off further when each answer is followed by a failure, until a watch has lasted', async () => {
    const { script, clock, opened } = setUp()
    for (let i = 0; i < 4; i++) {
      script.says(answer(a))
      script.fails()
    }
    await clock.advance(750)
    expect(opened).toEqual([0, 50, 150, 350, 750])
    script.says(answer(a))
    await clock.advance(10_000)
    script.fails()
    await clock.advance(50)
    expect(opened.at(-1)).toBe(10_800)
  })

  it('notices a position that went backwards, also over an outage', async () => {
    const { script, events, clock } = setUp()
    script.says(answer(a, { position: 90 }))
    script.says(answer(b, { position: 95 }))
    script.says(answer([], { position: 3, mayHaveForgotten: true }))
    script.fails('gone')
    script.says(answer(a, { position: 2 }))
    await clock.advance(100)
    expect(events).toEqual(['a-1', 'b-2', 'none, backwards', 'failed: gone', 'a-1, after outage, backwards'])
  })

  it.each<[number, string]>([
    [49, 'a-1, backwards'],
    [50, 'a-1'],
    [51, 'a-1'],
  ])('compares its first answer with what was remembered: position %i after 50', async (position, expected) => {
    const { script, events } = setUp({ remembered: { position: 50, ageMs: 1 } })
    script.says(answer(a, { position }))
    await settled()
    expect(events).toEqual([expected])
  })

  it('doubts its first answer when the registry was unreachable first, or when it replaces a watch in an outage', async () => {
    const unreachable = setUp()
    unreachable.script.fails('no')
    unreachable.script.says(answer(a))
    await unreachable.clock.advance(100)
    expect(unreachable.events).toEqual(['failed: no', 'a-1, after outage'])
    const replacing = setUp({ afterOutage: true })
    replacing.script.says(answer(a))
    await settled()
    expect(replacing.events).toEqual(['a-1, after outage'])
  })

  it('tells the age of what it knows: 0 while connected, else since the last good answer', async () => {
    const { script, clock, watch } = setUp({ remembered: { position: null, ageMs: 60_000 } })
    await clock.advance(1000)
    expect([watch.connected, watch.ageMs()]).toEqual([false, 61_000])
    script.says(answer(a))
    await clock.advance(30_000)
    expect([watch.connected, watch.ageMs()]).toEqual([true, 0])
    script.fails()
    await settled()
    await clock.advance(20_000)
    expect([watch.connected, watch.lost, watch.ageMs()]).toEqual([false, true, 20_000])
  })

  it('ends with everything it started when it is stopped, connected or backing off', async () => {
    const connected = setUp()
    connected.script.says(answer(a))
    await settled()
    await connected.watch.stop()
    connected.script.says(answer(b))
    await settled()
    expect(connected.events).toEqual(['a-1'])
    const waiting = setUp()
    waiting.script.fails()
    await settled()
    await waiting.watch.stop()
    await waiting.clock.advance(60_000)
    expect([waiting.clock.timers, waiting.opened.length]).toEqual([0, 1])
  })
})
