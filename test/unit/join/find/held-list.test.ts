import { describe, expect, it } from 'vitest'
import { HeldList, heldMs } from '../../../../src/join/find/held-list.ts'
import { instance } from '../../control/scripted-watch.ts'

const [a, b] = [instance('a'), instance('b', { port: 2 })]
const certain = (...instances: (typeof a)[]) => ({ instances, named: instances, mayHaveForgotten: false })
const doubtful = (...instances: (typeof a)[]) => ({ instances, named: instances, mayHaveForgotten: true })

describe('a held list', () => {
  it('is what a registry in no doubt says, at once', () => {
    const held = new HeldList()
    expect(held.take(certain(a, b), 0)).toEqual([a, b])
    expect(held.take(certain(b), 1)).toEqual([b])
    expect(held.changesAtMs).toBeNull()
  })

  it('is empty at once where nothing was known', () => {
    expect(new HeldList().take(certain(), 0)).toEqual([])
  })

  it('doubts an empty list for a while, and then believes it', () => {
    const held = new HeldList()
    held.take(certain(a), 0)
    expect(held.take(certain(), 100)).toEqual([a])
    expect(held.changesAtMs).toBe(100 + heldMs.empty)
    expect(held.take(certain(), 99 + heldMs.empty)).toEqual([a])
    expect(held.take(certain(), 100 + heldMs.empty)).toEqual([])
  })

  it('takes a list that is no longer empty at once', () => {
    const held = new HeldList()
    held.take(certain(a), 0)
    held.take(certain(), 100)
    expect(held.take(certain(b), 200)).toEqual([b])
    expect(held.changesAtMs).toBeNull()
  })

  it('keeps what a registry may have forgotten, until it names it again or time is up', () => {
    const held = new HeldList()
    held.take(certain(a, b), 0)
    expect(held.take(doubtful(a), 100)).toEqual([a, b])
    expect(held.take(certain(a), 200)).toEqual([a, b])
    expect(held.take(certain(a, b), 300)).toEqual([a, b])
    expect(held.take(certain(a), 400)).toEqual([a])

    held.take(certain(a, b), 500)
    held.take(doubtful(), 600)
    expect(held.list).toEqual([a, b])
    expect(held.changesAtMs).toBe(600 + heldMs.forgotten)
    expect(held.take(certain(a), 600 + heldMs.forgotten)).toEqual([a])
  })

  it('has forgotten nothing of what it names and does not let serve', () => {
    const held = new HeldList()
    held.take(certain(a, b), 0)
    expect(held.take({ instances: [a], named: [a, b], mayHaveForgotten: true }, 100)).toEqual([a])
  })
})
