import { describe, expect, test } from 'vitest'
import { parseRequestHead, RequestHead } from '../../../../src/proxy/h1/request-head.ts'

/** Parses into a head that was used before, as a connection does. */
function parse(text: string, maxFields = 100): { head: RequestHead; failure: string | null } {
  const head = new RequestHead()
  const before =
    'POST /before HTTP/1.1\r\nhost: before\r\nconnection: close, te\r\nte: trailers\r\nexpect: 100-continue\r\n'
  parseRequestHead(
    `${before}transfer-encoding: chunked\r\nx-request-id: 1\r\nx-forwarded-for: 1\r\nforwarded: 1`,
    100,
    head,
  )
  return { head, failure: parseRequestHead(text, maxFields, head) }
}

describe('a request line', () => {
  test('is taken apart into method, path, query and version', () => {
    const { head, failure } = parse('PUT /a/b?c=d?e HTTP/1.0\r\nhost: a')
    expect(failure).toBeNull()
    expect([head.method, head.path, head.query, head.minor]).toEqual(['PUT', '/a/b', '?c=d?e', 0])
  })

  test.each([
    ['GET / HTTP/1.1', 'bad-request'],
    ['GET / HTTP/2.0\r\nhost: a', 'version'],
    ['GET / HTTP/1.1x\r\nhost: a', 'bad-request'],
    ['GET /\xe9 HTTP/1.1\r\nhost: a', 'bad-request'],
    ['TRACE / HTTP/1.1\r\nhost: a', 'method-refused'],
    ['CONNECT a:1 HTTP/1.1\r\nhost: a', 'method-refused'],
    ['', 'bad-request'],
    ['GET', 'bad-request'],
    ['GET /', 'bad-request'],
    ['GET / HTTP', 'bad-request'],
  ])('%j is refused as %s', (text, wanted) => {
    expect(parse(text).failure).toBe(wanted)
  })

  test('keeps the target as it came for the log when it can not be routed', () => {
    const { head } = parse('GET /%zz?x HTTP/1.1\r\nhost: a')
    expect([head.path, head.query]).toEqual(['/%zz?x', ''])
  })
})

describe('a head', () => {
  test('leaves nothing behind for the next one', () => {
    const { head } = parse('GET / HTTP/1.1\r\nhost: a')
    expect(head).toMatchObject({
      contentLength: 0,
      hasContentLength: false,
      chunked: false,
      hasBody: false,
      keepAlive: true,
      expectContinue: false,
      upgrade: null,
      acceptsTrailers: false,
      carried: '',
      requestId: null,
      forwardedFor: null,
      forwarded: null,
      host: 'a',
    })
  })

  test('carries the lines nobody here asks about, byte for byte, each with its CRLF', () => {
    const { head } = parse('GET / HTTP/1.1\r\nA: 1 \r\nHost: a\r\nb:2\r\nTE: x\r\nC:\t\xff')
    expect(head.carried).toBe('A: 1 \r\nb:2\r\nC:\t\xff\r\n')
  })

  test('gives the values of a field, of several lines joined, by its lower-case name', () => {
    const { head } = parse('GET / HTTP/1.1\r\nhost: a\r\nX-A: 1\r\nx-a:  2 ')
    expect(head.fields.get('x-a')).toBe('1, 2')
    expect(head.fields.get('x-b')).toBeNull()
  })

  test('is too large with more fields than allowed', () => {
    expect(parse('GET / HTTP/1.1\r\nhost: a\r\nb:', 2).failure).toBeNull()
    expect(parse('GET / HTTP/1.1\r\nhost: a\r\nb:\r\nc:', 2).failure).toBe('headers-too-large')
  })

  test('grows past any number of fields it has room for', () => {
    const lines = Array.from({ length: 400 }, (_, i) => `\r\nx-${i}: ${i}`).join('')
    const { head, failure } = parse(`GET / HTTP/1.1\r\nhost: a${lines}`, 500)
    expect(failure).toBeNull()
    expect([head.fields.get('x-0'), head.fields.get('x-399')]).toEqual(['0', '399'])
  })
})

describe('framing', () => {
  test('by length', () => {
    const { head } = parse('POST / HTTP/1.1\r\nhost: a\r\nContent-Length: 12')
    expect([head.contentLength, head.hasBody, head.chunked]).toEqual([12, true, false])
    expect(head.carried).toBe('Content-Length: 12\r\n')
  })

  test('by chunks', () => {
    const { head } = parse('POST / HTTP/1.1\r\nhost: a\r\nTransfer-Encoding:CHUNKED')
    expect([head.chunked, head.hasBody, head.carried]).toEqual([true, true, ''])
  })
})

describe('Connection', () => {
  test.each([
    ['1.1', 'x: y', true],
    ['1.1', 'connection: close', false],
    ['1.1', 'connection: keep-alive, CLOSE', false],
    ['1.1', 'connection: x\r\nconnection: close', false],
    ['1.0', 'x: y', false],
    ['1.0', 'connection: Keep-Alive', true],
    ['1.0', 'connection: keep-alive, close', false],
  ])('in HTTP/%s with %j keeps the connection: %s', (version, lines, wanted) => {
    expect(parse(`GET / HTTP/${version}\r\nhost: a\r\n${lines}`).head.keepAlive).toBe(wanted)
  })

  test('upgrades a request without a body, of HTTP/1.1, to anything but HTTP', () => {
    const upgrade = (line: string, lines = ''): string | null =>
      parse(`${line}\r\nhost: a\r\nconnection: upgrade\r\n${lines}`).head.upgrade
    expect(upgrade('GET / HTTP/1.1', 'upgrade: websocket')).toBe('websocket')
    expect(upgrade('GET / HTTP/1.1', 'upgrade: a, b/1')).toBe('a, b/1')
    expect(upgrade('GET / HTTP/1.0', 'upgrade: websocket')).toBeNull()
    expect(upgrade('GET / HTTP/1.1', 'upgrade: h2c')).toBeNull()
    expect(upgrade('GET / HTTP/1.1', 'upgrade: a, HTTP/2')).toBeNull()
    expect(upgrade('POST / HTTP/1.1', 'upgrade: websocket\r\ncontent-length: 1')).toBeNull()
    expect(upgrade('POST / HTTP/1.1', 'upgrade: websocket\r\ntransfer-encoding: chunked')).toBeNull()
    expect(parse('GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket').head.upgrade).toBeNull()
  })
})

describe('a target', () => {
  test.each([
    ['GET', '/a/../b', 'host', '/b', ''],
    ['GET', 'http://b:1/x?y', 'b', '/x', '?y'],
    ['GET', 'HTTPS://B', 'b', '/', ''],
    ['OPTIONS', '*', 'host', '*', ''],
  ])('%s %s is for host %s, path %s', (method, target, host, path, query) => {
    const { head, failure } = parse(`${method} ${target} HTTP/1.1\r\nhost: Host:80`)
    expect(failure).toBeNull()
    expect([head.host, head.path, head.query]).toEqual([host, path, query])
  })
})
