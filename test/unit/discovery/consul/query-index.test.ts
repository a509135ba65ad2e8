import { describe, expect, it } from 'vitest'
import { QueryIndex } from '../../../../src/discovery/consul/query-index.ts'

describe('the index of a blocking query', () => {
  it('asks without waiting until there was an answer', () => {
    expect(new QueryIndex().next).toBeNull()
  })

  it('waits on the index of the last answer', () => {
    const index = new QueryIndex()
    expect([index.accept(5), index.next]).toEqual(['first', 5])
    expect([index.accept(9), index.next]).toEqual(['forward', 9])
    expect([index.accept(9), index.next]).toEqual(['same', 9])
  })

  it('does not wait on an index that went backwards, and waits again from the next answer', () => {
    const index = new QueryIndex()
    index.accept(9)
    expect([index.accept(3), index.next]).toEqual(['back', null])
    expect([index.accept(3), index.next]).toEqual(['same', 3])
  })

  it('notices an index that goes backwards twice', () => {
    const index = new QueryIndex()
    expect([9, 5, 2].map((each) => index.accept(each))).toEqual(['first', 'back', 'back'])
  })
})
