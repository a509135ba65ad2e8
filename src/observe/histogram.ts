import { durationBuckets } from '../core/meter.ts'
import type { SeriesReading } from './series-store.ts'
import type { Sample } from './raw-family.ts'

/**
 * The lines of one histogram series from its raw counts: one per bucket, the overflow, the sum of the seconds. `+Inf` and
 * `_count` are the same number even while threads count on, since both are added up from one reading.
 */
export function* histogramSamples(name: string, { labels, values }: SeriesReading): Generator<Sample> {
  let count = 0
  for (const [i, bound] of durationBuckets.entries()) {
    count += values[i] ?? 0
    yield { metricName: `${name}_bucket`, labels: { ...labels, le: String(bound) }, value: count }
  }
  count += values[durationBuckets.length] ?? 0
  yield { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count }
  yield { metricName: `${name}_sum`, labels, value: values[durationBuckets.length + 1] ?? 0 }
  yield { metricName: `${name}_count`, labels, value: count }
}
