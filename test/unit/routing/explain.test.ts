import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RouteRule } from '../../../src/core/route.ts'
import { explain } from '../../../src/routing/explain.ts'
import { buildTable } from '../../../src/routing/table.ts'
import { makeInput, makeRoute, randomInput, randomRoutes } from './rules.ts'

const input = makeInput({
  host: 'shop.test',
  path: '/api/users/7',
  method: 'POST',
  headers: { 'x-beta': '2', 'x-zone': 'a' },
})

/** Why a route with the second parts loses to one with the first. */
function lostBetween(winning: Partial<RouteRule>, losing: Partial<RouteRule>): string | undefined {
  const { route, candidates } = explain([makeRoute('losing', losing), makeRoute('winning', winning)], input)
  expect(route?.rule.id).toBe('winning')
  return candidates[0]?.lost
}

describe('explain', () => {
  it.each<[Partial<RouteRule>, string]>([
    [{ host: 'a.test' }, 'host shop.test is not a.test'],
    [{ host: '*.shop.test' }, 'host shop.test is not *.shop.test'],
    [{ path: '/api/user' }, 'path /api/user is no prefix of /api/users/7'],
    [{ path: '/api/users/7/' }, 'path /api/users/7/ is no prefix of /api/users/7'],
    [{ methods: ['GET', 'HEAD'] }, 'method POST is not in GET, HEAD'],
    [{ headers: [{ name: 'x-canary', value: '1' }] }, 'header x-canary is absent'],
    [{ headers: [{ name: 'x-beta', value: '1' }] }, 'header x-beta is "2", not "1"'],
  ])('says why a route does not accept: %o', (parts, lost) => {
    const route = makeRoute('r', parts)
    expect(explain([route], input)).toEqual({ route: null, candidates: [{ route, lost }] })
  })

  it('says why a route that accepts comes after the winner', () => {
    const header = [{ name: 'x-zone', value: 'a' }]
    expect(lostBetween({ host: 'shop.test' }, {})).toBe('a route for host shop.test comes first')
    expect(lostBetween({ host: 'shop.test' }, { host: '*.test' })).toBe('host shop.test is more exact than *.test')
    expect(lostBetween({ path: '/api/users' }, { path: '/api' })).toBe('path /api/users is longer')
    expect(lostBetween({ headers: header }, {})).toBe('a route with more header conditions (1) comes first')
    expect(lostBetween({ methods: ['POST'] }, {})).toBe('a route that names its methods comes first')
    expect(lostBetween({ path: '/api' }, { path: '/api/users', origin: 'a tag' })).toBe(
      'declared routes come before those of tags',
    )
    expect(lostBetween({ path: '/api', origin: 'a tag' }, {})).toBe('path /api is longer')
  })

  it('lets the first of equal routes win and says so', () => {
    const routes = [makeRoute('first'), makeRoute('second')]
    expect(explain(routes, input)).toEqual({
      route: routes[0],
      candidates: [{ route: routes[1], lost: 'an equal route stands before it' }],
    })
  })

  it('names every route but the winner, in the order given', () => {
    const routes = [makeRoute('a'), makeRoute('b', { path: '/api' }), makeRoute('c', { path: '/x' })]
    const { route, candidates } = explain(routes, input)
    expect(route).toBe(routes[1])
    expect(candidates.map((candidate) => candidate.route.rule.id)).toEqual(['a', 'c'])
  })

  it('always agrees with the table, and always has a reason', () => {
    let matched = 0
    fc.assert(
      fc.property(randomRoutes, randomInput, (routes, request) => {
        const { route, candidates } = explain(routes, request)
        expect(route).toBe(buildTable(routes).match(request))
        expect(candidates).toHaveLength(routes.length - (route === null ? 0 : 1))
        for (const { lost } of candidates) expect(lost).not.toBe('')
        if (route !== null) matched++
      }),
      { numRuns: 5000 },
    )
    expect(matched).toBeGreaterThan(1000)
  })
})
