import type { RouteRule } from '../core/route.ts'

/**
 * Whether a route comes before all that tags in registries ask for, however exact those are: what the configuration declares is not
 * for whoever registers to take. The route for all requests is what is left over for the others, and no claim.
 */
export function comesBeforeTags(rule: RouteRule): boolean {
  return rule.origin === null && !(rule.host === null && rule.path === '/' && isUnconditional(rule))
}

/** Whether a route accepts every request of its host and path. */
export function isUnconditional({ methods, headers }: RouteRule): boolean {
  return methods === null && headers.length === 0
}
