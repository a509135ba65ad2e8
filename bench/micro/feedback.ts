import { peakEwma } from '../../src/balance/peak-ewma.ts'
import { rateOutliers } from '../../src/health/success-rate.ts'
import { monotonicMs } from '../../src/util/clock.ts'
import { seededRandom } from '../../src/util/random.ts'
import { makeEndpoints } from '../../test/support/endpoints.ts'
import type { Benchmark, Suite } from './benchmark.ts'

/** What balancing and ejection learn from answers: once per answer, and once per interval. */
export const feedback: Suite = () => [answered(), evidence(), ...[10, 1000].map(judge)]

function answered(): Benchmark {
  const endpoints = makeEndpoints([1, 1, 1])
  const options = { random: seededRandom(1), clock: { now: monotonicMs }, hash: null }
  const picker = peakEwma.build(endpoints, options, null)
  return {
    name: 'feedback: an answer, to peak-ewma',
    run(operations) {
      for (let i = 0; i < operations; i++) picker.feedback?.answered(endpoints[i % 3]!, 5 + (i & 3))
      return endpoints[0]!.cell.peakUs()
    },
  }
}

function evidence(): Benchmark {
  const endpoints = makeEndpoints([1, 1, 1])
  return {
    name: 'feedback: an answer, to the success rate',
    run(operations) {
      for (let i = 0; i < operations; i++) endpoints[i % 3]!.cell.countEvidence((i & 15) === 0)
      return endpoints[0]!.cell.evidence().requests
    },
  }
}

function judge(size: number): Benchmark {
  const policy = {
    deviations: 1.9,
    belowPercent: 95,
    intervalMs: 10_000,
    minRequests: 100,
    minFailures: 5,
    minEndpoints: 5,
  }
  const samples = Array.from({ length: size }, (_, i) => ({ requests: 1000, failures: i === 3 ? 400 : i % 5 }))
  return {
    name: `judge success rates: ${size} endpoints`,
    run(operations) {
      let found = 0
      for (let i = 0; i < operations; i++) found += rateOutliers(samples, policy).length
      return found
    },
  }
}
