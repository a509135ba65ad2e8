import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HostMap, type WildcardEntry } from '../../../src/routing/host-map.ts'

function mapOf(...patterns: string[]): HostMap<string> {
  return new HostMap(new Map(patterns.map((pattern) => [pattern, `for ${pattern}`])))
}

/** Every wildcard found, the longest first. */
function chain(entry: WildcardEntry<string> | null): string[] {
  return entry === null ? [] : [`*${entry.suffix}`, ...chain(entry.shorter)]
}

describe('HostMap', () => {
  it('finds exact hosts', () => {
    const hosts = mapOf('a.test', '[::1]')
    expect(hosts.exact('a.test')).toBe('for a.test')
    expect(hosts.exact('[::1]')).toBe('for [::1]')
    expect(hosts.exact('b.test')).toBeUndefined()
    expect(mapOf().exact('a.test')).toBeUndefined()
  })

  it('does not find a wildcard by its own text', () => {
    expect(mapOf('*.a.test').exact('*.a.test')).toBeUndefined()
  })

  it('lets a wildcard stand for one or more labels, never for none', () => {
    const hosts = mapOf('*.a.test')
    expect(hosts.wildcard('x.a.test')?.value).toBe('for *.a.test')
    expect(hosts.wildcard('x.y.z.a.test')?.value).toBe('for *.a.test')
    expect(hosts.wildcard('a.test')).toBeNull()
    expect(hosts.wildcard('.a.test')).toBeNull()
    expect(hosts.wildcard('xa.test')).toBeNull()
    expect(hosts.wildcard('test')).toBeNull()
    expect(hosts.wildcard('')).toBeNull()
  })

  it('leads from the longest wildcard to the shorter ones', () => {
    const hosts = mapOf('*.test', '*.c.test', '*.b.a.test', '*.a.test')
    expect(chain(hosts.wildcard('x.b.a.test'))).toEqual(['*.b.a.test', '*.a.test', '*.test'])
    expect(chain(hosts.wildcard('b.a.test'))).toEqual(['*.a.test', '*.test'])
  })

  it('tells wildcards apart whose hashes are equal', () => {
    // 'Aa' and 'BB' hash alike under a multiplier of 31, from either end.
    const hosts = mapOf('*.aA', '*.BB')
    expect(hosts.wildcard('x.aA')?.suffix).toBe('.aA')
    expect(hosts.wildcard('x.BB')?.suffix).toBe('.BB')
  })

  it('finds what trying every wildcard finds', () => {
    const host = fc
      .array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 5 })
      .map((labels) => labels.join('.'))
    fc.assert(
      fc.property(fc.uniqueArray(host, { maxLength: 10 }), host, (suffixes, wanted) => {
        const expected = suffixes
          .filter((suffix) => wanted.endsWith(`.${suffix}`))
          .toSorted((a, b) => b.length - a.length)
          .map((suffix) => `*.${suffix}`)
        expect(chain(mapOf(...suffixes.map((suffix) => `*.${suffix}`)).wildcard(wanted))).toEqual(expected)
      }),
      { numRuns: 2000 },
    )
  })
})
