import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pathPlan, rewritePath } from '../../../src/routing/rewrite.ts'
import { buildTable } from '../../../src/routing/table.ts'
import { normalizePath } from '../../../src/util/path.ts'
import { makeInput, makeRoute } from './rules.ts'

function asPath(segments: readonly string[]): string {
  return `/${segments.join('/')}`
}

describe('rewritePath', () => {
  it.each([
    { path: '/api', strip: false, prepend: null, from: '/api/users', to: '/api/users' },
    { path: '/api', strip: true, prepend: null, from: '/api/users', to: '/users' },
    { path: '/api', strip: true, prepend: null, from: '/api', to: '/' },
    { path: '/api', strip: true, prepend: null, from: '/api/', to: '/' },
    { path: '/api/', strip: true, prepend: null, from: '/api/users', to: '/users' },
    { path: '/', strip: true, prepend: null, from: '/users', to: '/users' },
    { path: '/api', strip: false, prepend: '/v2', from: '/api/users', to: '/v2/api/users' },
    { path: '/api', strip: true, prepend: '/v2', from: '/api/users', to: '/v2/users' },
    { path: '/api', strip: true, prepend: '/v2/', from: '/api/users', to: '/v2/users' },
    { path: '/api', strip: true, prepend: '/v2', from: '/api', to: '/v2/' },
    { path: '/api', strip: true, prepend: '/', from: '/api/users', to: '/users' },
    { path: '/api', strip: true, prepend: null, from: '/api/a%2Fb//c', to: '/a%2Fb//c' },
    { path: '/api', strip: true, prepend: null, from: '/api//evil.example/', to: '/evil.example/' },
  ])('$from under $path becomes $to (strip $strip, prepend $prepend)', ({ path, strip, prepend, from, to }) => {
    const { rule } = makeRoute('r', { path, stripPrefix: strip, prependPath: prepend })
    expect(rewritePath(rule, from)).toBe(to)
  })

  it('gives a path in normal form that begins with one slash where something was cut', () => {
    const segments = fc.array(fc.constantFrom('a', 'b', '', '..', '.', '%2e', 'c%2Fd'), { maxLength: 6 })
    fc.assert(
      fc.property(segments, segments, fc.option(segments), (prefix, requested, prepended) => {
        const path = normalizePath(asPath(prefix))
        const from = normalizePath(asPath([...prefix, ...requested]))
        const prependPath = prepended === null ? null : normalizePath(asPath(prepended))
        fc.pre(path !== null && from !== null)
        const route = makeRoute('r', { path, stripPrefix: true, prependPath })
        fc.pre(buildTable([route]).match(makeInput({ path: from })) !== null)
        const to = rewritePath(route.rule, from)
        expect(normalizePath(to)).toBe(to)
        const { cut, put } = pathPlan(route.rule)
        expect(cut > 0 && to.startsWith(`${put}//`)).toBe(false)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('pathPlan', () => {
  it('does nothing for a rule that rewrites nothing', () => {
    expect(pathPlan(makeRoute('r', { path: '/api' }).rule)).toEqual({ cut: 0, put: '' })
  })

  it('cuts up to, not including, the slash before the rest', () => {
    expect(pathPlan(makeRoute('r', { path: '/api', stripPrefix: true }).rule)).toEqual({ cut: 4, put: '' })
    expect(pathPlan(makeRoute('r', { path: '/api/', stripPrefix: true }).rule)).toEqual({ cut: 4, put: '' })
    expect(pathPlan(makeRoute('r', { path: '/', stripPrefix: true }).rule)).toEqual({ cut: 0, put: '' })
  })
})
