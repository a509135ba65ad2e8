import { describe, expect, it } from 'vitest'
import { toHost } from '../../../src/discovery/host-name.ts'

describe('the host of an instance', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['Web-1.Example.com', 'web-1.example.com'],
    ['web_1', 'web_1'],
    ['web.example.com.', 'web.example.com.'],
  ])('may be %s', (text, host) => {
    expect(toHost(text)).toBe(host)
  })

  it.each([
    '',
    'a b',
    'a\r\nhost: b',
    'http://a',
    'a:80',
    'a/b',
    '-a',
    'a..b',
    '[a]',
    'a\u0000',
    'bücher.example',
    'a'.repeat(64),
    'a.'.repeat(128),
  ])('may not be %j', (text) => {
    expect(toHost(text)).toBeNull()
  })
})
