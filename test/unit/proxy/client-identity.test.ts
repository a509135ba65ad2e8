import { describe, expect, test } from 'vitest'
import { ClientIdentity, isRequestId, TrustedProxies } from '../../../src/proxy/client-identity.ts'
import { parseRequestHead, RequestHead } from '../../../src/proxy/h1/request-head.ts'

function head(lines = '', host = 'shop.test'): RequestHead {
  const parsed = new RequestHead()
  expect(parseRequestHead(`GET / HTTP/1.1\r\nhost: ${host}${lines}`, 100, parsed)).toBeNull()
  return parsed
}

function identity(remote: string, trusted: readonly string[] = [], proto: 'http' | 'https' = 'http'): ClientIdentity {
  return new ClientIdentity(remote, 8080, proto, new TrustedProxies(trusted))
}

const spoofed =
  '\r\nx-forwarded-for: 6.6.6.6\r\nx-forwarded-proto: gopher\r\nx-forwarded-host: evil\r\nforwarded: for=6.6.6.6'

describe('trusted proxies', () => {
  test.each([
    ['10.1.2.3', ['10.0.0.0/8'], true],
    ['11.1.2.3', ['10.0.0.0/8'], false],
    ['192.0.2.1', ['10.0.0.0/8', '192.0.2.1'], true],
    ['fd00::1', ['fd00::/8'], true],
    ['fe80::1', ['fd00::/8'], false],
    ['10.1.2.3', [], false],
    ['not an address', ['0.0.0.0/0', '::/0'], false],
  ])('%s among %j: %s', (address, entries, wanted) => {
    expect(new TrustedProxies(entries).trusts(address)).toBe(wanted)
  })
})

describe('the address of a client', () => {
  test('is that of its connection, IPv4 as such', () => {
    expect(identity('::ffff:192.0.2.7').clientAddress(head(spoofed))).toBe('192.0.2.7')
    expect(identity('2001:db8::1').clientAddress(head(spoofed))).toBe('2001:db8::1')
  })

  test('is the nearest one a trusted proxy saw that is no trusted proxy itself', () => {
    const seen = (forwardedFor: string): string =>
      identity('10.0.0.1', ['10.0.0.0/8']).clientAddress(head(`\r\nx-forwarded-for: ${forwardedFor}`))
    expect(seen('6.6.6.6, 192.0.2.7, 10.0.0.2')).toBe('192.0.2.7')
    expect(seen('192.0.2.7')).toBe('192.0.2.7')
    expect(seen('10.0.0.3,10.0.0.2')).toBe('10.0.0.3')
    expect(identity('10.0.0.1', ['10.0.0.0/8']).clientAddress(head())).toBe('10.0.0.1')
  })
})

describe('forwarded fields', () => {
  test('are our own for a client that is not trusted', () => {
    expect(identity('192.0.2.7', ['10.0.0.1'], 'https').forwardedFields(head(spoofed))).toBe(
      'x-forwarded-for: 192.0.2.7\r\nx-forwarded-proto: https\r\nx-forwarded-port: 8080\r\n' +
        'x-forwarded-host: shop.test\r\nforwarded: for=192.0.2.7;proto=https;host=shop.test\r\n',
    )
  })

  test('quote IPv6 addresses and hosts with a port (RFC 7239 section 6)', () => {
    const fields = identity('2001:db8::1').forwardedFields(head('', 'shop.test:81'))
    expect(fields).toContain('x-forwarded-for: 2001:db8::1\r\n')
    expect(fields).toContain('forwarded: for="[2001:db8::1]";proto=http;host="shop.test:81"\r\n')
  })

  test.each(['a;for=6.6.6.6', 'a=b', '(a)'])('quote the host %s, lest it adds pairs of its own', (host) => {
    expect(identity('192.0.2.7').forwardedFields(head('', host))).toContain(
      `forwarded: for=192.0.2.7;proto=http;host="${host}"\r\n`,
    )
  })

  test('are appended to those of a trusted proxy', () => {
    const lines = '\r\nx-forwarded-for: 192.0.2.7\r\nx-forwarded-proto: https\r\nforwarded: for=192.0.2.7'
    expect(identity('10.0.0.1', ['10.0.0.1']).forwardedFields(head(lines))).toBe(
      'x-forwarded-for: 192.0.2.7, 10.0.0.1\r\nx-forwarded-proto: https\r\nx-forwarded-port: 8080\r\n' +
        'x-forwarded-host: shop.test\r\nforwarded: for=192.0.2.7, for=10.0.0.1;proto=http;host=shop.test\r\n',
    )
  })
})

test.each([
  ['a', true],
  ['Ab9._-', true],
  ['a'.repeat(128), true],
  ['a'.repeat(129), false],
  ['', false],
  ['a b', false],
  ['a\n', false],
  ['"a"', false],
  ['ä', false],
])('%j may be kept as a request id: %s', (value, wanted) => {
  expect(isRequestId(value)).toBe(wanted)
})
