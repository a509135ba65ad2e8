import type { Metric } from 'prom-client'
import type { Family } from './families.ts'

/** One line of the exposition: `metricName` where it differs from the family's (histograms). */
export interface Sample {
  readonly value: number
  readonly labels: Readonly<Record<string, string>>
  readonly metricName?: string
}

/**
 * A family whose values are read when it is scraped. prom-client's own classes count by themselves and can't be given
 * values; its Registry asks a metric for nothing but `name`, `get()` and `reset()`, which this has.
 */
export function rawFamily(family: Family, samples: () => Iterable<Sample>): Metric {
  const metric = {
    name: family.name,
    get: async () => ({ name: family.name, help: family.help, type: family.type, values: [...samples()] }),
    /** Nothing is kept here that could be reset. */
    reset: () => {},
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the declared type asks for more than the Registry uses
  return metric as unknown as Metric
}
