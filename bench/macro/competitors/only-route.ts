import type { Work } from '../competitor.ts'

/** For those that are configured for a single route here. */
export function onlyRoute(work: Work): void {
  if (work.prefixes.length !== 1) throw new RangeError('configured for a single route only')
}
