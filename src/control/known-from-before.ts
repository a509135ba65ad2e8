import type { Instance } from '../core/instance.ts'
import type { Listing } from './listing.ts'

/**
 * Instances whose names have no address yet, at the addresses that they had before: a process that has just started, and could not
 * look a name up, knows no better than the state file.
 */
export function knownFromBefore(unresolved: readonly Instance[], before: Listing): readonly Instance[] {
  if (unresolved.length === 0) return []
  const known = Map.groupBy(before.values(), ({ instance }) => keyOf(instance, instance.hostName))
  return unresolved.flatMap((instance) => {
    const hostName = instance.host
    const listed = known.get(keyOf(instance, hostName)) ?? []
    return listed.map(({ instance: { host } }) => Object.freeze({ ...instance, host, hostName }))
  })
}

function keyOf({ node, id, port }: Instance, hostName = ''): string {
  return [node, id, port, hostName].join('\n')
}
