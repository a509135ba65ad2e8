import { describe, expect, it } from 'vitest'
import { rateOutliers } from '../../../src/health/success-rate.ts'

const policy = {
  deviations: 1.9,
  belowPercent: 95,
  intervalMs: 10_000,
  minRequests: 100,
  minFailures: 5,
  minEndpoints: 5,
}

/** Failures of each endpoint out of 200 requests, or of as many as told. @returns indexes of those that are out, worst first */
function outliers(failures: readonly number[], { requests = 200, minRequests = 100 } = {}): number[] {
  const samples = failures.map((failed, index) => ({ requests, failures: failed, index }))
  return rateOutliers(samples, { ...policy, minRequests }).map(({ sample }) => sample.index)
}

describe('a success rate', () => {
  it('is out when it is 1.9 standard deviations under the mean', () => {
    expect(outliers([0, 1, 80, 0, 2])).toEqual([2])
    expect(outliers([0, 0, 60, 0, 30, 0])).toEqual([2])
  })

  it('stays when all fail alike', () => {
    expect(outliers([100, 98, 103, 99, 101])).toEqual([])
    expect(outliers([200, 200, 200, 200, 200])).toEqual([])
  })

  it('stays above 95 %, however good the others are', () => {
    expect(outliers([0, 0, 9, 0, 0, 0, 0])).toEqual([])
    expect(outliers([0, 0, 11, 0, 0, 0, 0])).toEqual([2])
  })

  it('stays with fewer than 5 failures', () => {
    expect(outliers([0, 0, 4, 0, 0, 0], { requests: 60, minRequests: 50 })).toEqual([])
    expect(outliers([0, 0, 5, 0, 0, 0], { requests: 60, minRequests: 50 })).toEqual([2])
  })

  it('is not compared below 100 requests, nor are fewer than 5', () => {
    expect(outliers([0, 0, 90, 0, 0, 0], { requests: 99 })).toEqual([])
    expect(outliers([0, 0, 90, 0, 0, 0], { requests: 100 })).toEqual([2])
    expect(outliers([0, 0, 180, 0])).toEqual([])
  })

  it('counts only those that can be compared', () => {
    const samples = [0, 0, 90, 0, 0].map((failures, index) => ({ requests: index === 4 ? 5 : 200, failures }))
    expect(rateOutliers(samples, policy)).toEqual([])
  })

  it('that is worst comes first, so that a bound on ejections spares the better one', () => {
    expect(outliers([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 140, 150])).toEqual([11, 10])
  })

  it('says how bad it is, and how good the others are', () => {
    const samples = [0, 0, 100, 0, 0].map((failures) => ({ requests: 200, failures }))
    expect(rateOutliers(samples, policy).map(({ cause }) => cause)).toEqual([
      '50.0 % of 200 requests in 10 s succeeded; the mean of 5 endpoints is 90.0 %',
    ])
  })
})
