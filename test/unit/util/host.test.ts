import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalizeHost } from '../../../src/util/host.ts'

describe('normalizeHost', () => {
  it.each([
    ['example.com', 'example.com'],
    ['Example.COM', 'example.com'],
    ['example.com:8080', 'example.com'],
    ['Example.com:', 'example.com'],
    ['example.com:0', 'example.com'],
    ['example.com:65535', 'example.com'],
    ['example.com.', 'example.com'],
    ['example.com.:80', 'example.com'],
    ['localhost', 'localhost'],
    ['my_service', 'my_service'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]', '[::1]'],
    ['[::1]:8080', '[::1]'],
    ['[FE80::A]:', '[fe80::a]'],
    ['[::ffff:127.0.0.1]', '[::ffff:127.0.0.1]'],
  ])('reads %s as %s', (value, host) => {
    expect(normalizeHost(value)).toBe(host)
  })

  it.each([
    '',
    '.',
    ':80',
    'a..b',
    '.example.com',
    'example.com..',
    'a b',
    'a,b',
    'a/b',
    'user@a',
    'user:pass@a',
    'a?b',
    'a#b',
    'a\\b',
    'a\0',
    'a\t',
    'é.example.com',
    '%61.example.com',
    'a:b',
    'a:+80',
    'a:80 ',
    'a:65536',
    'a:80:90',
    '::1',
    '[]',
    '[::1',
    '[::1]x',
    '[::1]:x',
    '[::1%25eth0]',
    '[fe80::1%eth0]',
    '[v1.a]',
    '[1.2.3.4]',
    '[[::1]]',
  ])('refuses %j', (value) => {
    expect(normalizeHost(value)).toBeNull()
  })

  it('gives a host that normalizing leaves alone, in lower case', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'B', '.', ':', '8', '[', ']', '-', '_', ','), maxLength: 10 })
    fc.assert(
      fc.property(text, (value) => {
        const host = normalizeHost(value)
        if (host === null) return
        expect(host).not.toBe('')
        expect(host).toBe(host.toLowerCase())
        expect(normalizeHost(host)).toBe(host)
      }),
      { numRuns: 3000 },
    )
  })

  it('takes any string without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(normalizeHost(value)).not.toBe('')
      }),
    )
  })
})
