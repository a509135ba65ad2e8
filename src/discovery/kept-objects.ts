import { isDeepStrictEqual } from 'node:util'
import type { Instance } from '../core/instance.ts'

/** Registries list in one order: what came or went moves the others by a few places. */
const lookAhead = 16

/**
 * The list of an answer, with the object of the list before for each instance that is as it was. A registry's client makes new objects of
 * every answer; what is made of those that stay is then neither compared nor made again, and what lives long is not replaced by its like.
 */
export function keptObjects(now: readonly Instance[], before: readonly Instance[]): readonly Instance[] {
  let next = 0
  return now.map((instance) => {
    for (let at = next; at < before.length && at < next + lookAhead; at++) {
      const known = before[at] as Instance
      if (known.id !== instance.id || known.node !== instance.node) continue
      next = at + 1
      return known === instance || isDeepStrictEqual(known, instance) ? known : instance
    }
    return instance
  })
}
