import type { MatchInput, RouteRule } from '../core/route.ts'
import { acceptsMethod, refusedHeader } from './accept.ts'
import { comesBeforeTags } from './precedence.ts'
import type { Ruled } from './table.ts'

export interface Explanation<R> {
  /** The route that wins: the one the table's `match` returns. */
  readonly route: R | null
  /** All others in the order given, each with one sentence on why it lost. */
  readonly candidates: readonly { readonly route: R; readonly lost: string }[]
}

/** Why a request goes where it goes. Looks at every rule in turn, without the table. */
export function explain<R extends Ruled>(routes: readonly R[], input: MatchInput): Explanation<R> {
  const refusals = routes.map((route) => refusal(route.rule, input))
  let winner: R | null = null
  for (const [index, route] of routes.entries()) {
    if (refusals[index] !== null) continue
    if (winner === null || advantage(route.rule, winner.rule) !== null) winner = route
  }
  const candidates: { route: R; lost: string }[] = []
  for (const [index, route] of routes.entries()) {
    if (route === winner) continue
    const lost = refusals[index] ?? (winner === null ? null : advantage(winner.rule, route.rule))
    candidates.push({ route, lost: lost ?? 'an equal route stands before it' })
  }
  return { route: winner, candidates }
}

/** Why the rule does not accept the request; null when it does. */
function refusal(rule: RouteRule, input: MatchInput): string | null {
  if (!coversHost(rule.host, input.host)) return `host ${input.host} is not ${rule.host}`
  if (!coversPath(rule.path, input.path)) return `path ${rule.path} is no prefix of ${input.path}`
  if (!acceptsMethod(rule, input)) return `method ${input.method} is not in ${rule.methods?.join(', ')}`
  const wanted = refusedHeader(rule, input)
  if (wanted === null) return null
  const value = input.header(wanted.name)
  if (value === null) return `header ${wanted.name} is absent`
  return `header ${wanted.name} is ${JSON.stringify(value)}, not ${JSON.stringify(wanted.value)}`
}

function coversHost(pattern: string | null, host: string): boolean {
  if (pattern === null || pattern === host) return true
  return pattern.startsWith('*.') && host.length >= pattern.length && host.endsWith(pattern.slice(1))
}

function coversPath(prefix: string, path: string): boolean {
  if (!path.startsWith(prefix)) return false
  return prefix.endsWith('/') || path.length === prefix.length || path[prefix.length] === '/'
}

/** Why `a` wins over `b` where both accept; null when it does not, by anything but the order given. */
function advantage(a: RouteRule, b: RouteRule): string | null {
  if (b.origin !== null && comesBeforeTags(a)) return 'declared routes come before those of tags'
  if (a.origin !== null && comesBeforeTags(b)) return null
  if (a.host !== b.host) {
    if (hostRank(a.host) <= hostRank(b.host)) return null
    return b.host === null ? `a route for host ${a.host} comes first` : `host ${a.host} is more exact than ${b.host}`
  }
  if (a.path.length !== b.path.length) return a.path.length > b.path.length ? `path ${a.path} is longer` : null
  const headers = a.headers.length - b.headers.length
  if (headers !== 0) return headers > 0 ? `a route with more header conditions (${a.headers.length}) comes first` : null
  return a.methods !== null && b.methods === null ? 'a route that names its methods comes first' : null
}

/** Longer wildcards over shorter ones; an exact host over all. */
function hostRank(host: string | null): number {
  if (host === null) return 0
  return host.startsWith('*.') ? host.length : Number.POSITIVE_INFINITY
}
