import type { ServiceLine } from './service-line.ts'

/** What a process that is to take another's place knows of the services. */
export interface Readiness {
  /** Nobody has spoken for them. */
  readonly missing: readonly string[]
  /** There is a list of them, and no endpoint that may be picked. */
  readonly empty: readonly string[]
}

export function readinessOf(lines: Iterable<ServiceLine>, missing: readonly string[]): Readiness {
  const empty = [...lines].filter((line) => line.hasList && !line.canServe).map(({ name }) => name)
  return { missing, empty }
}

/**
 * What stands against a process in this one's place: it would answer 503 where this one serves, since nobody told it of a service, or
 * the registry has forgotten instances that this one holds.
 *
 * @param known what this process knows; `hasHeard` of what tags name
 * @returns a sentence; null = nothing
 */
export function objectionTo(
  { missing, empty }: Readiness,
  known: { readonly lineOf: (name: string) => ServiceLine | undefined; readonly hasHeard: (name: string) => boolean },
): string | null {
  const { lineOf, hasHeard } = known
  const unheard = missing.filter((name) => lineOf(name)?.hasList || hasHeard(name))
  if (unheard.length > 0) return `no registry told it of ${unheard.join(', ')}`
  const served = empty.filter((name) => lineOf(name)?.canServe)
  return served.length === 0 ? null : `no registry lists it an instance that serves ${served.join(', ')}`
}
