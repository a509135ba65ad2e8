import { describe, expect, it } from 'vitest'
import { parseCpuList, planCpus } from '../../../bench/macro/cpus.ts'

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
