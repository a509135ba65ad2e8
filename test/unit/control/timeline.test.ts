import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/core/decision.ts'
import { SourceOutages } from '../../../src/control/source-outages.ts'
import { Timeline } from '../../../src/control/timeline.ts'
import { FakeClock } from './fake-clock.ts'

function setUp() {
  const timeline = new Timeline({ clock: new FakeClock() })
  return { outages: new SourceOutages(timeline), types: () => timeline.events().map(({ type }) => type) }
}

describe('the timeline', () => {
  it('shows the newest decision first, with its time, and tells each as it falls', async () => {
    const clock = new FakeClock()
    const told: Decision[] = []
    const timeline = new Timeline({ clock, onDecision: (decision) => told.push(decision) })
    timeline.record({ type: 'added', service: 's', endpoint: 'e', cause: 'first' })
    await clock.advance(1500)
    timeline.record({ type: 'removed', service: 's', endpoint: 'e', cause: 'second' })
    expect(timeline.events()).toEqual([
      { at: '2026-01-01T00:00:01.500Z', type: 'removed', service: 's', endpoint: 'e', cause: 'second' },
      { at: '2026-01-01T00:00:00.000Z', type: 'added', service: 's', endpoint: 'e', cause: 'first' },
    ])
    expect(told).toEqual(timeline.events().toReversed())
  })

  it('keeps a thousand characters of a cause, whatever a registry calls its entries', () => {
    const timeline = new Timeline({ clock: new FakeClock() })
    timeline.record({ type: 'skipped', service: 's', endpoint: null, cause: 'x'.repeat(1_000_000) })
    expect(timeline.events()[0]?.cause).toBe(`${'x'.repeat(1000)}…`)
  })

  it.each([0, 1, 2, 3, 4, 7])('keeps the last three of %i', (count) => {
    const timeline = new Timeline({ clock: new FakeClock(), capacity: 3 })
    const causes = Array.from({ length: count }, (_, n) => String(n))
    for (const cause of causes) timeline.record({ type: 'added', service: null, endpoint: null, cause })
    const newestFirst = causes.slice(-3).toReversed()
    expect(timeline.events().map(({ cause }) => cause)).toEqual(newestFirst)
    expect(timeline.events(2).map(({ cause }) => cause)).toEqual(newestFirst.slice(0, 2))
  })
})

describe('outages of a source', () => {
  it('are told once, however many watches fail, and end when all were answered', () => {
    const { outages, types } = setUp()
    for (const service of ['a', 'b', 'a']) outages.failed('consul', service, 'refused')
    expect(types()).toEqual(['source-lost'])
    outages.answered('consul', 'a')
    outages.answered('consul', 'c')
    expect(types()).toEqual(['source-lost'])
    outages.answered('consul', 'b')
    outages.answered('consul', 'b')
    expect(types()).toEqual(['source-back', 'source-lost'])
    outages.failed('consul', 'b', 'refused')
    expect(types()).toEqual(['source-lost', 'source-back', 'source-lost'])
  })

  it('are apart for each source', () => {
    const { outages, types } = setUp()
    outages.failed('consul', 'a', 'refused')
    outages.failed('other', 'a', 'refused')
    outages.answered('other', 'a')
    expect(types()).toEqual(['source-back', 'source-lost', 'source-lost'])
  })

  it('do not wait for a watch that the configuration took away', () => {
    const { outages, types } = setUp()
    outages.failed('consul', 'a', 'refused')
    outages.forget('consul', 'a')
    outages.failed('consul', 'b', 'refused')
    expect(types()).toEqual(['source-lost', 'source-lost'])
  })
})
