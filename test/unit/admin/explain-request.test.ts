import { describe, expect, test } from 'vitest'
import { parseExplainRequest } from '../../../src/admin/explain-request.ts'

function parsed(url: string, headers: readonly string[] = []) {
  const request = parseExplainRequest('GET', url, headers)
  return typeof request === 'string' ? request : { host: request.host, path: request.path, url: request.url }
}

describe('parseExplainRequest', () => {
  test.each([
    ['http://shop.example.com/api/x?y=1#z', 'shop.example.com', '/api/x', '/api/x?y=1'],
    ['HTTPS://Shop.Example.com:8443', 'shop.example.com', '/', '/'],
    ['http://[::1]:80?q', '[::1]', '/', '/?q'],
    ['/api/%2e%2e/b', '', '/b', '/b'],
    ['/a%2Fb?c=%zz', '', '/a%2Fb', '/a%2Fb?c=%zz'],
  ])('reads %s', (url, host, path, whole) => {
    expect(parsed(url)).toEqual({ host, path, url: whole })
  })

  test('takes the host of a path from the host header', () => {
    expect(parsed('/x', ['Host: Billing.example.com:80'])).toMatchObject({ host: 'billing.example.com' })
  })

  test('prefers the host of the url', () => {
    expect(parsed('http://a.example/x', ['host:b.example'])).toMatchObject({ host: 'a.example' })
  })

  test.each(['', 'api/x', 'ftp://a/x', '/a/%00', '/a\\b', '/a%2f..', 'http:///x', 'http://a b/', 'http://a:99999/'])(
    'refuses %j',
    (url) => {
      expect(parsed(url)).toBeTypeOf('string')
    },
  )

  test.each(['CONNECT', 'TRACE'])('tells that %s is never served', (method) => {
    expect(parseExplainRequest(method, '/', [])).toBe(`method ${method} is refused on every path (405)`)
  })

  test('joins the lines of a header that comes twice and knows its name in any case', () => {
    const request = parseExplainRequest('GET', '/', ['X-Beta: 1', 'x-beta:2'])
    expect(request).toMatchObject({ method: 'GET' })
    expect(typeof request === 'string' ? request : request.header('x-beta')).toBe('1, 2')
  })

  test('gives null for a header that is not there', () => {
    const request = parseExplainRequest('GET', '/', [])
    expect(typeof request === 'string' ? request : request.header('x-beta')).toBeNull()
  })

  test.each(['x y: 1', ': 1', 'x', 'x: a\nb'])('refuses the header %j', (header) => {
    expect(parsed('/', [header])).toBeTypeOf('string')
  })
})
