/** Middle and range of what several rounds gave. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Needs at least one value. */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('no values')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const lower = sorted[Math.floor(middle)] as number
  const upper = sorted[Math.ceil(middle)] as number
  return { median: (lower + upper) / 2, min: sorted[0] as number, max: sorted.at(-1) as number }
}

/**
 * Ratios round by round, which are worth more than the ratio of two medians: what slows the machine for a while slows
 * neighbours of one round alike.
 */
export function ratios(values: readonly number[], base: readonly number[]): Spread {
  if (values.length !== base.length) throw new RangeError(`${values.length} values against ${base.length}`)
  return spread(values.map((value, round) => value / (base[round] as number)))
}

/** Slope of the straight line that fits the points best (least squares). Needs two points of different x. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length
  const [meanX, meanY] = [mean(0), mean(1)]
  const rise = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  const run = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  if (points.length < 2 || run === 0) throw new RangeError('a slope needs two different points')
  return rise / run
}
