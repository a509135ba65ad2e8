import { describe, expect, it } from 'vitest'
import type { EjectionReason } from '../../../src/core/decision.ts'
import type { PublishedEndpoint, RegistryWord } from '../../../src/core/snapshot.ts'
import { eligible, type Judged } from '../../../src/health/eligibility.ts'
import { publishedEndpoint } from '../../support/endpoints.ts'

type Given = Partial<PublishedEndpoint> & { ejection?: EjectionReason }

function judge(...given: Given[]) {
  const all: Judged[] = given.map(({ ejection = null, ...published }, slot) => ({
    published: publishedEndpoint(slot, published),
    cell: { ejection: () => ejection },
  }))
  const { eligible: picked, panic } = eligible(all, 70)
  return { slots: picked.map(({ published }) => published.slot), panic }
}

const healthy: Given = {}
const refused: Given = { ejection: 'connect' }
const failing: Given = { ejection: 'consecutive' }

describe('eligibility', () => {
  it.each<[RegistryWord, number[]]>([
    ['passing', [0, 1]],
    ['warning', [0, 1]],
    ['held', [0, 1]],
    ['critical', [1]],
    ['maintenance', [1]],
    ['absent', [1]],
  ])('takes the registry at its word: %s', (registry, slots) => {
    expect(judge({ registry }, healthy)).toEqual({ slots, panic: false })
  })

  it.each<[string, Given]>([
    ['draining', { draining: true }],
    ['of weight 0', { weight: 0 }],
    ['ejected by command', { ejection: 'manual' }],
  ])('never picks an endpoint that is %s, not even when no other is left', (_, given) => {
    expect(judge(given, healthy)).toEqual({ slots: [1], panic: false })
    expect(judge(given)).toEqual({ slots: [], panic: false })
  })

  it.each<[string, Given[], number[], boolean]>([
    ['nothing from nothing', [], [], false],
    ['an ejected one out of two is out', [failing, healthy], [1], false],
    ['an unhealthy one out of two is out', [{ unhealthy: true }, healthy], [1], false],
    ['under half eligible: ejections by counting are set aside', [failing, failing, healthy], [0, 1, 2], true],
    ['under half eligible: failing checks are set aside', [{ unhealthy: true }], [0], true],
    ['under half eligible: refused ones stay out', [refused, failing, failing, healthy], [1, 2, 3], true],
    ['refused ones are picked when there is nothing else', [refused, refused], [0, 1], true],
    ['what may not serve does not count towards the half', [failing, healthy, { registry: 'critical' }], [1], false],
    ['none but critical ones: nobody', [{ registry: 'critical' }, { registry: 'maintenance' }], [], false],
  ])('%s', (_, given, slots, panic) => {
    expect(judge(...given)).toEqual({ slots, panic })
  })
})

describe('nearer and farther endpoints', () => {
  const near = (given: Given = {}): Given => ({ ...given, tier: 0 })
  const otherZone = (given: Given = {}): Given => ({ ...given, tier: 1 })
  const far = (given: Given = {}): Given => ({ ...given, tier: 2 })
  const critical: Given = { registry: 'critical' }

  it('are told apart: the nearer ones are used alone', () => {
    expect(judge(far(), near(), otherZone(), near())).toEqual({ slots: [1, 3], panic: false })
  })

  it('are used together once too few of the zone are well, by the registry or by what we see', () => {
    const three = [near(), near(), near()]
    expect(judge(...three, near(failing), otherZone()).slots).toEqual([0, 1, 2])
    expect(judge(near(), near(), near(critical), otherZone()).slots).toEqual([0, 1, 3])
    expect(judge(near(), near(refused), otherZone()).slots).toEqual([0, 2])
  })

  it('do not count those that have left', () => {
    expect(judge(near(), near({ registry: 'absent' }), otherZone()).slots).toEqual([0])
  })

  it('reach into another datacenter only where the nearer one would be in panic, or has none', () => {
    expect(judge(near(), near(failing), far()).slots).toEqual([0])
    expect(judge(near(), near(failing), near(failing), far())).toEqual({ slots: [0, 3], panic: false })
    expect(judge(near(critical), far())).toEqual({ slots: [1], panic: false })
    expect(judge(near(refused), otherZone(refused), far())).toEqual({ slots: [2], panic: false })
  })

  it('are all set aside together in panic', () => {
    expect(judge(near(failing), far(failing), far(failing))).toEqual({ slots: [0, 1, 2], panic: true })
  })
})
