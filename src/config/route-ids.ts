import type { RouteRule } from '../core/route.ts'

type Match = Pick<RouteRule, 'host' | 'path' | 'methods' | 'headers'>

/**
 * Labels for routes: `billing.example.com/`, `/api/users`. Where several routes share host and path, those with methods or
 * headers name them too: `/api/users GET,POST x-beta=1`. Unique, as long as no two routes are equal.
 */
export function routeIds(routes: readonly Match[]): string[] {
  const counts = new Map<string, number>()
  for (const route of routes) counts.set(placeOf(route), (counts.get(placeOf(route)) ?? 0) + 1)
  return routes.map((route) => {
    const place = placeOf(route)
    return counts.get(place) === 1 ? place : [place, ...conditionsOf(route)].join(' ')
  })
}

function placeOf({ host, path }: Match): string {
  return `${host ?? ''}${path}`
}

function conditionsOf({ methods, headers }: Match): string[] {
  const fields = headers.map(({ name, value }) => `${name}=${/^[\w.-]+$/.test(value) ? value : JSON.stringify(value)}`)
  return methods === null ? fields : [methods.join(','), ...fields]
}
