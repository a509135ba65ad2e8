import { describe, expect, it } from 'vitest'
import type { MatchInput } from '../../../src/core/route.ts'
import { buildTable } from '../../../src/routing/table.ts'
import { makeInput, makeRoute } from './rules.ts'

type Route = ReturnType<typeof makeRoute>

function winner(routes: readonly Route[], input: MatchInput): string | null {
  return buildTable(routes).match(input)?.rule.id ?? null
}

describe('buildTable', () => {
  it('gives null when there is no route', () => {
    expect(winner([], makeInput({}))).toBeNull()
  })

  it('returns the very object it was given, with whatever it carries', () => {
    const route = { ...makeRoute('r'), assembled: true }
    expect(buildTable([route]).match(makeInput({}))).toBe(route)
  })

  it('prefers the exact host, then the longest wildcard, then routes without host', () => {
    const routes = [
      makeRoute('any'),
      makeRoute('short', { host: '*.test' }),
      makeRoute('long', { host: '*.a.test' }),
      makeRoute('exact', { host: 'x.a.test' }),
    ]
    expect(winner(routes, makeInput({ host: 'x.a.test' }))).toBe('exact')
    expect(winner(routes, makeInput({ host: 'y.a.test' }))).toBe('long')
    expect(winner(routes, makeInput({ host: 'a.test' }))).toBe('short')
    expect(winner(routes, makeInput({ host: 'elsewhere' }))).toBe('any')
  })

  it('goes on to the next host when nothing under the better one accepts', () => {
    const routes = [
      makeRoute('any', { path: '/any' }),
      makeRoute('short', { host: '*.test', path: '/short' }),
      makeRoute('long', { host: '*.a.test', methods: ['PUT'] }),
      makeRoute('exact', { host: 'x.a.test', path: '/exact' }),
    ]
    const host = 'x.a.test'
    expect(winner(routes, makeInput({ host, path: '/exact' }))).toBe('exact')
    expect(winner(routes, makeInput({ host, path: '/short', method: 'PUT' }))).toBe('long')
    expect(winner(routes, makeInput({ host, path: '/short' }))).toBe('short')
    expect(winner(routes, makeInput({ host, path: '/any' }))).toBe('any')
    expect(winner(routes, makeInput({ host, path: '/none' }))).toBeNull()
  })

  it('prefers the longest path within a host, even where a shorter one has more conditions', () => {
    const routes = [
      makeRoute('root', { headers: [{ name: 'x-beta', value: '1' }], methods: ['GET'] }),
      makeRoute('api', { path: '/api' }),
      makeRoute('users', { path: '/api/users' }),
    ]
    const headers = { 'x-beta': '1' }
    expect(winner(routes, makeInput({ path: '/api/users/1', headers }))).toBe('users')
    expect(winner(routes, makeInput({ path: '/api/usersx', headers }))).toBe('api')
    expect(winner(routes, makeInput({ path: '/apix', headers }))).toBe('root')
  })

  it('prefers more header conditions, then named methods, then the route that stands first', () => {
    const one = [{ name: 'x-a', value: '1' }]
    const two = [...one, { name: 'x-b', value: '1' }]
    const routes = [
      makeRoute('plain'),
      makeRoute('plain-again'),
      makeRoute('methods', { methods: ['GET'] }),
      makeRoute('methods-again', { methods: ['GET', 'POST'] }),
      makeRoute('one', { headers: one }),
      makeRoute('two', { headers: two }),
    ]
    expect(winner(routes, makeInput({ headers: { 'x-a': '1', 'x-b': '1' } }))).toBe('two')
    expect(winner(routes, makeInput({ headers: { 'x-a': '1' } }))).toBe('one')
    expect(winner(routes, makeInput({}))).toBe('methods')
    expect(winner(routes, makeInput({ method: 'POST' }))).toBe('methods-again')
    expect(winner(routes, makeInput({ method: 'PUT' }))).toBe('plain')
  })

  it('compares header values exactly', () => {
    const routes = [makeRoute('beta', { headers: [{ name: 'x-beta', value: 'yes' }] })]
    expect(winner(routes, makeInput({ headers: { 'x-beta': 'yes' } }))).toBe('beta')
    expect(winner(routes, makeInput({ headers: { 'x-beta': 'Yes' } }))).toBeNull()
    expect(winner(routes, makeInput({ headers: { 'x-beta': 'yes, yes' } }))).toBeNull()
    expect(winner(routes, makeInput({ headers: { 'x-beta': '' } }))).toBeNull()
    expect(winner(routes, makeInput({}))).toBeNull()
  })

  it('compares methods exactly, as they are case-sensitive', () => {
    const routes = [makeRoute('get', { methods: ['GET'] })]
    expect(winner(routes, makeInput({ method: 'get' }))).toBeNull()
  })

  it('gives null for a method that no route of the path accepts', () => {
    const routes = [makeRoute('read', { path: '/api', methods: ['GET', 'HEAD'] })]
    expect(winner(routes, makeInput({ path: '/api/x', method: 'POST' }))).toBeNull()
  })

  it('falls back to a shorter path whose route accepts', () => {
    const routes = [makeRoute('root'), makeRoute('read', { path: '/api', methods: ['GET'] })]
    expect(winner(routes, makeInput({ path: '/api/x', method: 'POST' }))).toBe('root')
  })

  it('prefers any declared route that accepts to those of tags, but for the one for all requests', () => {
    const origin = 'a tag'
    const routes = [
      makeRoute('rest'),
      makeRoute('pay', { path: '/pay' }),
      makeRoute('beta', { headers: [{ name: 'x-beta', value: '1' }] }),
      makeRoute('shop', { host: '*.shop.test', path: '/cart', methods: ['GET'] }),
      makeRoute('longer', { path: '/pay/back', origin }),
      makeRoute('host', { host: 'a.shop.test', origin }),
      makeRoute('users', { path: '/users', origin }),
    ]
    const host = 'a.shop.test'
    expect(winner(routes, makeInput({ path: '/pay/back' }))).toBe('pay')
    expect(winner(routes, makeInput({ host, path: '/pay' }))).toBe('pay')
    expect(winner(routes, makeInput({ host, path: '/cart' }))).toBe('shop')
    expect(winner(routes, makeInput({ host, path: '/cart', method: 'POST' }))).toBe('host')
    expect(winner(routes, makeInput({ host, path: '/users' }))).toBe('host')
    expect(winner(routes, makeInput({ path: '/users', headers: { 'x-beta': '1' } }))).toBe('beta')
    expect(winner(routes, makeInput({ path: '/users' }))).toBe('users')
    expect(winner(routes, makeInput({ path: '/else' }))).toBe('rest')
  })

  it('keeps a route when the list it was built from changes afterwards', () => {
    const routes = [makeRoute('first')]
    const table = buildTable(routes)
    routes.length = 0
    expect(table.match(makeInput({}))?.rule.id).toBe('first')
  })
})
