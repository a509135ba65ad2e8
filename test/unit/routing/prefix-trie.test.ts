import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PrefixTrie, type PrefixEntry } from '../../../src/routing/prefix-trie.ts'

function trieOf(...paths: string[]): PrefixTrie<string> {
  return new PrefixTrie(new Map(paths.map((path) => [path, `at ${path}`])))
}

/** Everything found, the longest first. */
function chain(entry: PrefixEntry<string> | null): string[] {
  return entry === null ? [] : [entry.path, ...chain(entry.shorter)]
}

describe('PrefixTrie', () => {
  it('finds nothing when it is empty', () => {
    expect(trieOf().find('/')).toBeNull()
    expect(trieOf().find('')).toBeNull()
  })

  it('finds the longest prefix and the value that belongs to it', () => {
    const trie = trieOf('/', '/api', '/api/users')
    expect(trie.find('/api/users/7')).toMatchObject({ path: '/api/users', value: 'at /api/users' })
    expect(trie.find('/api/orders')?.path).toBe('/api')
    expect(trie.find('/ap')?.path).toBe('/')
  })

  it('matches at segment boundaries only', () => {
    const trie = trieOf('/api')
    expect(trie.find('/api')?.path).toBe('/api')
    expect(trie.find('/api/')?.path).toBe('/api')
    expect(trie.find('/api/x')?.path).toBe('/api')
    expect(trie.find('/apix')).toBeNull()
    expect(trie.find('/ap')).toBeNull()
    expect(trie.find('/api%2Fx')).toBeNull()
  })

  it('lets a path with a final slash match itself and what is below, not the path without it', () => {
    const trie = trieOf('/api/')
    expect(trie.find('/api')).toBeNull()
    expect(trie.find('/api/')?.path).toBe('/api/')
    expect(trie.find('/api/x')?.path).toBe('/api/')
  })

  it('leads from every entry to the next shorter one, over those that only share characters', () => {
    const trie = trieOf('/', '/a', '/a/', '/ab', '/a/b', '/a/bc', '/a/b/c')
    expect(chain(trie.find('/a/b/c/d'))).toEqual(['/a/b/c', '/a/b', '/a/', '/a', '/'])
    expect(chain(trie.find('/a/bcd'))).toEqual(['/a/', '/a', '/'])
    expect(chain(trie.find('/ab'))).toEqual(['/ab', '/'])
  })

  it('does not confuse characters outside the range of a branch', () => {
    const trie = trieOf('/m', '/n')
    expect(trie.find('/!')).toBeNull()
    expect(trie.find('/~')).toBeNull()
    expect(trie.find('/\u{ffff}')).toBeNull()
  })

  it('finds what trying every path finds', () => {
    const path = fc.string({ unit: fc.constantFrom('/', 'a', 'b'), maxLength: 7 }).map((rest) => `/${rest}`)
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 15 }), path, (paths, wanted) => {
        const expected = paths
          .filter((prefix) => wanted === prefix || wanted.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`))
          .toSorted((a, b) => b.length - a.length)
        expect(chain(trieOf(...paths).find(wanted))).toEqual(expected)
      }),
      { numRuns: 3000 },
    )
  })

  it('holds thousands of paths, each found', () => {
    const paths = Array.from({ length: 5000 }, (_, index) => `/service-${index}/v${index % 3}`)
    const trie = trieOf(...paths)
    for (const path of paths) expect(trie.find(`${path}/x`)?.path).toBe(path)
  })
})
