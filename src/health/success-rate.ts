import type { SuccessRatePolicy } from '../core/snapshot.ts'

/** What an endpoint did in one interval. */
export interface Sample {
  readonly requests: number
  readonly failures: number
}

export interface RateOutlier<S extends Sample> {
  readonly sample: S
  /** Half a sentence for the timeline. */
  readonly cause: string
}

/**
 * The endpoints that fail clearly more often than the others, worst first. Compared are those with enough requests, when there
 * are enough of them; a rate is out when it is more than `deviations` standard deviations under the mean, under `belowPercent`, and
 * not made of a few failures.
 */
export function rateOutliers<S extends Sample>(
  samples: readonly S[],
  policy: SuccessRatePolicy,
): readonly RateOutlier<S>[] {
  const compared = samples.filter(({ requests }) => requests >= policy.minRequests)
  if (compared.length < policy.minEndpoints) return []
  const rates = compared.map(percentOf)
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  const deviation = Math.sqrt(rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length)
  const limit = Math.min(mean - policy.deviations * deviation, policy.belowPercent)
  return compared
    .filter((sample) => sample.failures >= policy.minFailures && percentOf(sample) < limit)
    .toSorted((a, b) => percentOf(a) - percentOf(b))
    .map((sample) => {
      const seconds = policy.intervalMs / 1000
      const own = `${percentOf(sample).toFixed(1)} % of ${sample.requests} requests in ${seconds} s succeeded`
      return { sample, cause: `${own}; the mean of ${compared.length} endpoints is ${mean.toFixed(1)} %` }
    })
}

function percentOf({ requests, failures }: Sample): number {
  return (100 * (requests - failures)) / requests
}
