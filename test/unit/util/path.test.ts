import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalizePath, replacePrefix } from '../../../src/util/path.ts'

/** Paths out of the pieces that matter: most are odd, many are refused. */
const oddPath = fc
  .array(
    fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2E',
      '%2f',
      '%2F',
      '%5c',
      '%5C',
      ';',
      '%3b',
      'a',
      'b=c',
      '%41',
      '%252e',
      '%',
    ),
    { maxLength: 12 },
  )
  .map((pieces) => `/${pieces.join('')}`)

/** What the laxest upstream makes of a path: decodes all at once, takes `\` for `/`, cuts path parameters off. */
function laxSegments(path: string): string[] {
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return decoded.split(/[/\\]/).map((segment) => segment.replace(/;.*/, ''))
}

describe('normalizePath', () => {
  it.each([
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/a/b/..', '/a/'],
    ['/a/b/.', '/a/b/'],
    ['/a/b/../', '/a/'],
    ['/a/b/c/./../../g', '/a/g'],
    ['/..', '/'],
    ['/../../etc/passwd', '/etc/passwd'],
    ['/.', '/'],
    ['/a/%2e%2e/b', '/b'],
    ['/a/.%2E/b', '/b'],
    ['/a/%2e./b', '/b'],
    ['/a/%2e/b', '/a/b'],
    ['/a//../b', '/a/b'],
    ['/../a%2Fb', '/a%2Fb'],
    ['/a;x/../b', '/b'],
  ])('resolves the dot segments of %s', (path, normal) => {
    expect(normalizePath(path)).toBe(normal)
  })

  it.each([
    '/',
    '//',
    '/a//b',
    '/a/',
    '/a%2Fb',
    '/a%5cb',
    '/%41%7e',
    '/%252e%252e/x',
    '/...',
    '/.well-known/acme-challenge/x',
    '/a..b/..c/d..',
    '/a.%2fb',
    '/a;v=1/b;..',
    "/!$&'()*+,;=:@-._~",
    '/[{|}]^`"<>',
  ])('leaves %s as it is', (path) => {
    expect(normalizePath(path)).toBe(path)
  })

  it.each([
    ['', 'empty'],
    ['*', 'no leading slash'],
    ['a/b', 'no leading slash'],
    ['/a b', 'space'],
    ['/a\tb', 'tab'],
    ['/a\0b', 'NUL'],
    ['/a\x7f', 'DEL'],
    ['/é', 'not ASCII'],
    ['/\u0161', 'not ASCII'],
    ['/a#b', 'fragment'],
    ['/a?b', 'query'],
    ['/a\\b', 'backslash'],
    ['/a%00b', 'NUL'],
    ['/%', 'broken escape'],
    ['/%4', 'broken escape'],
    ['/a%zz', 'broken escape'],
    ['/a%4g', 'broken escape'],
    ['/a%-1', 'broken escape'],
    ['/..%2fb', 'hidden'],
    ['/a/%2e%2e%2Fb', 'hidden'],
    ['/%2e%2e%5cx', 'hidden'],
    ['/a%2f..%2fb', 'hidden'],
    ['/a%2f..', 'hidden'],
    ['/a%5C.', 'hidden'],
    ['/a%2f%2e%2e/b', 'hidden'],
    ['/..;/b', 'hidden'],
    ['/.;x', 'hidden'],
    ['/%2e%2e;a=b', 'hidden'],
    ['/..%3b/b', 'hidden'],
    ['/a%2f..;x', 'hidden'],
    ['/a/../..%2fb', 'hidden, after one that is resolved'],
  ])('refuses %j (%s)', (path) => {
    expect(normalizePath(path)).toBeNull()
  })

  it('gives a normal form that normalizing leaves alone, never longer than the path', () => {
    fc.assert(
      fc.property(oddPath, (path) => {
        const normal = normalizePath(path)
        if (normal === null) return
        expect(normal.length).toBeLessThanOrEqual(path.length)
        expect(normalizePath(normal)).toBe(normal)
      }),
      { numRuns: 3000 },
    )
  })

  it('never lets a dot segment through, however lax the upstream reads it', () => {
    fc.assert(
      fc.property(oddPath, (path) => {
        const segments = laxSegments(normalizePath(path) ?? '/')
        expect(segments).not.toContain('.')
        expect(segments).not.toContain('..')
      }),
      { numRuns: 3000 },
    )
  })

  it('keeps byte for byte every segment that no dot segment takes back', () => {
    const plain = fc.constantFrom('a', '%41', 'b%2Fc', '', 'd;e', '...')
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 6 }), fc.array(plain, { maxLength: 4 }), (kept, dropped) => {
        const front = kept.map((segment) => `/${segment}`).join('')
        const detour = dropped.map((segment) => `/${segment}`).join('') + '/..'.repeat(dropped.length)
        expect(normalizePath(`${front}${detour}/end`)).toBe(`${front}/end`)
      }),
    )
  })

  it('takes any string without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const normal = normalizePath(text)
        expect(normal === null || normal.startsWith('/')).toBe(true)
      }),
    )
  })
})

describe('replacePrefix', () => {
  it.each([
    ['/api/users', 0, '', '/api/users'],
    ['/api/users', 4, '', '/users'],
    ['/api', 4, '', '/'],
    ['/api/', 4, '', '/'],
    ['/api', 4, '/v2', '/v2/'],
    ['/users', 0, '/v2', '/v2/users'],
    ['/api/users', 4, '/v2', '/v2/users'],
    ['/api//evil.example', 4, '', '/evil.example'],
    ['/api///', 4, '', '/'],
    ['//users', 0, '/v2', '/v2//users'],
  ])('of %s, %i characters for %j, leaves %s', (path, cut, put, rewritten) => {
    expect(replacePrefix(path, cut, put)).toBe(rewritten)
  })
})
