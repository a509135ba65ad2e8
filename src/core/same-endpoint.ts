import type { PublishedEndpoint } from './snapshot.ts'

/** Whether the same is said of an endpoint. Both are of one identity, so what that holds is the same anyway. */
export function isSameEndpoint(one: PublishedEndpoint, other: PublishedEndpoint): boolean {
  return (
    one.registry === other.registry &&
    one.weight === other.weight &&
    one.draining === other.draining &&
    one.unhealthy === other.unhealthy &&
    one.zone === other.zone &&
    one.tier === other.tier &&
    one.version === other.version &&
    one.hostName === other.hostName
  )
}
