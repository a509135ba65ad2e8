import { expect, test } from 'vitest'
import { Fields } from '../../../../src/proxy/h1/fields.ts'
import { connectionOptions, field, fieldKind } from '../../../../src/proxy/h1/hop-by-hop.ts'

function kindOf(name: string): number {
  const fields = new Fields()
  fields.reset(`${name}: value_with-both`)
  expect(fields.scan(0)).not.toBe(-1)
  return fieldKind(fields, 0)
}

test.each([
  ['Host', field.host],
  ['CONTENT-LENGTH', field.contentLength],
  ['Transfer-Encoding', field.transferEncoding],
  ['Connection', field.connection],
  ['Keep-Alive', field.hopByHop],
  ['Proxy-Connection', field.hopByHop],
  ['Proxy-Authorization', field.hopByHop],
  ['Proxy-Authenticate', field.hopByHop],
  ['TE', field.te],
  ['Upgrade', field.upgrade],
  ['Expect', field.expect],
  ['X-Request-Id', field.requestId],
  ['X-Forwarded-For', field.forwardedFor],
  ['X-Forwarded-Proto', field.forwardedProto],
  ['X-Forwarded-Host', field.forwardedHost],
  ['X-Forwarded-Port', field.forwardedPort],
  ['Forwarded', field.forwarded],
  ['X-Forwarded-Prefix', field.vouched],
  ['X-Forwarded-Server', field.vouched],
  ['X-Real-IP', field.vouched],
  ['Proxy', field.untrusted],
  ['HTTP2-Settings', field.untrusted],
])('knows %s in every case', (name, kind) => {
  for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) expect(kindOf(spelling)).toBe(kind)
})

test.each(['X_Forwarded_For', 'x-forwarded_for', 'Content_Length', 'Transfer_Encoding', 'x_real_ip', 'Keep_Alive'])(
  'believes no twin of a known name: %s',
  (name) => {
    expect(kindOf(name)).toBe(field.untrusted)
  },
)

test.each(['X-Custom', 'x_custom', 'Cookie', 'Hos', 'Hosts', 'X-Forwarded-Foo', 'Via', 'a', 'x'.repeat(100)])(
  'carries %s',
  (name) => {
    expect(kindOf(name)).toBe(field.carried)
  },
)

test('splits Connection into what it asks and what it names', () => {
  const options = connectionOptions(['keep-alive', 'te', 'x-a', 'x-b'])
  expect(options).toMatchObject({ close: false, keepAlive: true, upgrade: false, te: true })
  expect([...(options.names ?? [])]).toEqual(['x-a', 'x-b'])
  expect(connectionOptions(['close', 'upgrade'])).toEqual({
    close: true,
    keepAlive: false,
    upgrade: true,
    te: false,
    names: null,
  })
})

test.each(['host', 'content-length', 'transfer-encoding', 'authorization', 'cookie', 'forwarded', 'x-forwarded-for'])(
  'lets Connection not name %s',
  (name) => {
    expect(connectionOptions([name]).names).toBeNull()
  },
)
