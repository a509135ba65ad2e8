import type { MatchInput, RouteRule } from '../core/route.ts'
import { accepts } from './accept.ts'
import { HostMap } from './host-map.ts'
import { comesBeforeTags } from './precedence.ts'
import { PrefixTrie } from './prefix-trie.ts'

/** Anything that carries a rule: the rule alone in the control plane, an assembled route in a data thread. */
export interface Ruled {
  readonly rule: RouteRule
}

/** All routes of one snapshot; immutable. */
export interface RouteTable<R extends Ruled> {
  /** The route that wins, or null when none accepts. Allocates nothing. */
  match(input: MatchInput): R | null
}

/** Routes under one path, best first. */
type Tries<R> = PrefixTrie<readonly R[]>

/**
 * Routes in the order in which they win: those that come before what tags ask for (see `comesBeforeTags`); exact host, then the longest wildcard, then routes without a host; among those of
 * one host the longest path, then more header conditions, then with methods before without, then the order given. A route
 * that does not accept the request gives way to the next, whatever it is.
 */
export function buildTable<R extends Ruled>(routes: readonly R[]): RouteTable<R> {
  // Without tags the route for all requests comes last in any case.
  if (routes.every(({ rule }) => rule.origin === null)) return buildOne(routes)
  const declared = buildOne(routes.filter(({ rule }) => comesBeforeTags(rule)))
  const rest = buildOne(routes.filter(({ rule }) => !comesBeforeTags(rule)))
  return { match: (input) => declared.match(input) ?? rest.match(input) }
}

/** Of routes that are told apart by host, path and conditions alone. */
function buildOne<R extends Ruled>(routes: readonly R[]): RouteTable<R> {
  const anyHost: R[] = []
  const byHost = new Map<string, R[]>()
  for (const route of routes) {
    const { host } = route.rule
    if (host === null) anyHost.push(route)
    else append(byHost, host, route)
  }
  const hosts = new HostMap(new Map([...byHost].map(([host, of]) => [host, buildTries(of)])))
  const withoutHost = buildTries(anyHost)
  return {
    match(input) {
      const exact = hosts.exact(input.host)
      if (exact !== undefined) {
        const route = firstAccepting(exact, input)
        if (route !== null) return route
      }
      for (let wildcard = hosts.wildcard(input.host); wildcard !== null; wildcard = wildcard.shorter) {
        const route = firstAccepting(wildcard.value, input)
        if (route !== null) return route
      }
      return firstAccepting(withoutHost, input)
    },
  }
}

function buildTries<R extends Ruled>(routes: readonly R[]): Tries<R> {
  const byPath = new Map<string, R[]>()
  for (const route of routes) append(byPath, route.rule.path, route)
  for (const ofPath of byPath.values()) ofPath.sort(byConditions)
  return new PrefixTrie(byPath)
}

/** Stable sorting keeps the order given among equals. */
function byConditions(a: Ruled, b: Ruled): number {
  const moreHeaders = b.rule.headers.length - a.rule.headers.length
  if (moreHeaders !== 0) return moreHeaders
  return Number(a.rule.methods === null) - Number(b.rule.methods === null)
}

function firstAccepting<R extends Ruled>(tries: Tries<R>, input: MatchInput): R | null {
  for (let entry = tries.find(input.path); entry !== null; entry = entry.shorter) {
    for (const route of entry.value) {
      if (accepts(route.rule, input)) return route
    }
  }
  return null
}

function append<R>(groups: Map<string, R[]>, key: string, route: R): void {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, [route])
  else group.push(route)
}
