import { describe, expect, it } from 'vitest'
import { parseCpuList, planCpus, planThreads } from '../../../bench/macro/cpus.ts'

describe('the plan of CPUs', () => {
  it('reads single CPUs and ranges', () => {
    expect(parseCpuList('0-2,5,8-9')).toEqual([0, 1, 2, 5, 8, 9])
  })

  it('keeps the last CPU for the proxy and gives all others to the rest', () => {
    expect(planCpus([0, 1, 6])).toEqual({ proxy: '6', rest: '0,1', restCount: 2 })
  })

  it('is refused on one CPU, where the load would be measured with the proxy', () => {
    expect(() => planCpus([3])).toThrow('two CPUs')
  })
})

describe('the plan for comparing two threads with one', () => {
  it('gives the proxy CPUs of its own where there are four, and the rest the same ones both times', () => {
    expect(planThreads([0, 1, 2, 3, 4], 1)).toEqual({ proxy: '4', rest: '0,1,2', restCount: 3 })
    expect(planThreads([0, 1, 2, 3, 4], 2)).toEqual({ proxy: '3,4', rest: '0,1,2', restCount: 3 })
  })

  it('puts everything on one CPU, and everything on two, where there are fewer', () => {
    expect(planThreads([0, 1], 1)).toEqual({ proxy: '1', rest: '1', restCount: 1 })
    expect(planThreads([0, 1], 2)).toEqual({ proxy: '0,1', rest: '0,1', restCount: 2 })
  })

  it('is refused on one CPU', () => {
    expect(() => planThreads([0], 2)).toThrow('two CPUs')
  })
})
