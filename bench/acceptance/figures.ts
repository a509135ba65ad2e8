/** A figure of `values` by nearest rank; `share` 0.99 is p99, 1 the highest. NaN where there is none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

/** p50, p99 and the highest, in milliseconds with one digit. */
export function milliseconds(values: readonly number[]): string[] {
  return [0.5, 0.99, 1].map((share) => percentile(values, share).toFixed(1))
}
