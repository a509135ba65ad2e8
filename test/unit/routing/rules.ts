import * as fc from 'fast-check'
import type { MatchInput, RouteRule } from '../../../src/core/route.ts'
import { retryRule } from '../../support/retry-rule.ts'

/** A rule with these parts, else matching everything. */
export function makeRoute(id: string, parts: Partial<RouteRule> = {}): { rule: RouteRule } {
  return {
    rule: {
      id,
      host: null,
      path: '/',
      methods: null,
      headers: [],
      service: 'svc',
      stripPrefix: false,
      prependPath: null,
      rewriteHost: false,
      access: null,
      redirect: null,
      origin: null,
      timeoutMs: 30_000,
      retry: retryRule(),
      ...parts,
    },
  }
}

/** A request: `GET gateway.test/` unless told otherwise. */
export function makeInput(parts: {
  host?: string
  path?: string
  method?: string
  headers?: Readonly<Record<string, string>>
}): MatchInput {
  const { host = 'gateway.test', path = '/', method = 'GET', headers = {} } = parts
  return { host, path, method, header: (name) => headers[name] ?? null }
}

/** Paths of up to so many segments, alike enough that one is often a prefix of another. */
function pathOf(maxSegments: number): fc.Arbitrary<string> {
  const segment = fc.constantFrom('a', 'a', 'a', 'ab', '')
  return fc
    .tuple(fc.array(segment, { maxLength: maxSegments, size: 'max' }), fc.boolean())
    .map(([segments, endsInSlash]) => `/${segments.join('/')}${endsInSlash ? '/' : ''}`)
}

const host = fc.constantFrom('a.test', 'b.a.test', 'c.b.a.test', 'ba.test', 'test', '[::1]')
const pattern = fc.oneof(fc.constant(null), host, fc.constantFrom('*.a.test', '*.test', '*.b.a.test', '*.b.test'))
const someHeaders = fc.uniqueArray(
  fc.record({ name: fc.constantFrom('x-a', 'x-b'), value: fc.constantFrom('1', '1', '2') }),
  {
    selector: ({ name }) => name,
  },
)
const headers = fc.oneof(fc.constant([]), someHeaders)
const methods = fc.option(fc.uniqueArray(fc.constantFrom('GET', 'POST', 'PUT'), { minLength: 1 }), { freq: 2 })

const origin = fc.option(fc.constant('tag'), { freq: 1 })

/** Tables of few hosts, paths and conditions, so that routes compete. */
export const randomRoutes = fc
  .array(fc.record({ host: pattern, path: pathOf(2), headers, methods, origin }), {
    minLength: 1,
    maxLength: 12,
    size: 'max',
  })
  .map((rules) => rules.map((parts, index) => makeRoute(`r${index}`, parts)))

export const randomInput = fc
  .record({
    host: fc.oneof(host, fc.constantFrom('b.a.test', 'x.b.a.test', 'other')),
    path: pathOf(4),
    method: fc.constantFrom('GET', 'POST', 'DELETE'),
    headers: fc.dictionary(fc.constantFrom('x-a', 'x-b'), fc.constantFrom('1', '1', '2', '3'), {
      size: 'max',
      maxKeys: 2,
    }),
  })
  .map(makeInput)
