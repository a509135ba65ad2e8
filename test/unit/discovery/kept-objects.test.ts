import { expect, it } from 'vitest'
import { keptObjects } from '../../../src/discovery/kept-objects.ts'
import { instance } from '../control/scripted-watch.ts'

const before = ['a-1', 'b-2', 'c-3', 'd-4'].map((name) => instance(name))
/** As the next answer has them: equal, and other objects. */
const [a, b, c, d] = before.map((each) => ({ ...each, tags: [...each.tags], meta: { ...each.meta } }))
if (a === undefined || b === undefined || c === undefined || d === undefined) throw new RangeError('four instances')

it('what an answer lists again is the object of the answer before, whatever came or went between', () => {
  const added = instance('new-9')
  const kept = keptObjects([added, a, c, d], before)
  expect(kept[0]).toBe(added)
  expect(kept.slice(1).map((each) => before.indexOf(each))).toEqual([0, 2, 3])
})

it('what differs in anything is the answer’s own', () => {
  const changed = [
    { ...a, tags: ['blue'] },
    { ...b, status: 'critical' as const },
    { ...c, port: 1 },
    { ...d, node: 'n2' },
  ]
  expect(keptObjects(changed, before)).toEqual(changed)
})

it('keeps the order and the number of the answer, and what is listed twice', () => {
  expect(keptObjects([d, c, b, a, a], before)).toEqual([d, c, b, a, a])
  expect(keptObjects([], before)).toEqual([])
  expect(keptObjects([a], [])).toEqual([a])
})
