import type { Case } from './cases.ts'
import { isAble } from './entry.ts'
import { peakRounds, warmUpSeconds } from './run-case.ts'

/** What a proxy takes to start, to be checked and to stop, about. */
const aroundSeconds = 1.5
/** More with a thousand routes. */
const aroundLargeSeconds = 12

export interface Length {
  readonly rounds: number
  readonly seconds: number
}

/** How long a case takes with these competitors, about. */
export function estimateSeconds(measured: Case, competitors: readonly string[], { rounds, seconds }: Length): number {
  const able = competitors.filter((name) => isAble(name, measured.competitors)).length
  const loadedRounds = rounds + (measured.load.sending === 'constant-rate' ? peakRounds : 0)
  const perShape = measured.shapes.map(
    ({ routes }) => (routes === 1 ? aroundSeconds : aroundLargeSeconds) + warmUpSeconds + loadedRounds * seconds,
  )
  return able * perShape.reduce((sum, each) => sum + each, 0)
}

/** In whole minutes; below one, in seconds. */
export function sayDuration(seconds: number): string {
  return seconds < 60 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`
}
