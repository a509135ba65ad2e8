import { describe, expect, it } from 'vitest'
import { cases } from '../../../bench/macro/cases.ts'
import { estimateSeconds, sayDuration } from '../../../bench/macro/estimate.ts'

const length = { rounds: 5, seconds: 4 }

describe('the estimate of a case', () => {
  it('grows with those that take part, and not with those that do not', () => {
    const two = estimateSeconds(cases.tls, ['tidegate', 'nginx'], length)
    expect(estimateSeconds(cases.tls, ['tidegate', 'nginx', 'haproxy'], length)).toBe(two * 1.5)
    expect(estimateSeconds(cases.tls, ['tidegate', 'nginx', 'fast-proxy'], length)).toBe(two)
    expect(estimateSeconds(cases.tls, ['tidegate', 'nginx', 'tidegate (abc)'], length)).toBe(two * 1.5)
  })

  it('counts every round, and the search for the peak', () => {
    const plain = estimateSeconds(cases.json, ['nginx'], length)
    expect(estimateSeconds(cases.json, ['nginx'], { rounds: 6, seconds: 4 })).toBe(plain + 4)
    expect(estimateSeconds(cases.rate, ['nginx'], length)).toBe(plain + 12)
  })

  it('is said in seconds or minutes', () => {
    expect([sayDuration(34.2), sayDuration(61), sayDuration(3000)]).toEqual(['35 s', '1 min', '50 min'])
  })
})
