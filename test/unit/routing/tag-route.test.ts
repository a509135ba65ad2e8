import { describe, expect, it } from 'vitest'
import { parseTagRoute, placeOf } from '../../../src/routing/tag-route.ts'

const bare = {
  host: null,
  stripPrefix: false,
  prependPath: null,
  rewriteHost: false,
  access: null,
  redirect: null,
  scheme: null,
  verifies: true,
  share: null,
}

describe('a tag of Fabio', () => {
  it.each([
    ['/css', { path: '/css' }],
    ['i.com/static', { host: 'i.com', path: '/static' }],
    ['MySite.com/', { host: 'mysite.com', path: '/' }],
    ['*.foo.com/', { host: '*.foo.com', path: '/' }],
    ['*/any', { path: '/any' }],
    ['[2001:db8::1]/x', { host: '[2001:db8::1]', path: '/x' }],
    ['/a/b  strip=/a/b', { path: '/a/b', stripPrefix: true }],
    ['/a/b/ strip=/a/b/', { path: '/a/b/', stripPrefix: true }],
    ['/a/b strip=/a', { path: '/a/b', stripPrefix: true, prependPath: '/b' }],
    ['/a strip=/', { path: '/a' }],
    ['/a prepend=/v2/', { path: '/a', prependPath: '/v2' }],
    ['/a/b strip=/a prepend=/v2', { path: '/a/b', stripPrefix: true, prependPath: '/v2/b' }],
    ['/a host=dst proto=http', { path: '/a', rewriteHost: true, scheme: 'http' }],
    ['/a proto=https tlsskipverify=true', { path: '/a', scheme: 'https', verifies: false }],
    ['/a weight=0.05', { path: '/a', share: 0.05 }],
    ['/a weight=0 pxyproto=false', { path: '/a' }],
    ['/a allow=ip:10.0.0.0/8,ip:fe80::1', { path: '/a', access: { allow: ['10.0.0.0/8', 'fe80::1'], deny: [] } }],
    ['/a deny=ip:10.1.2.3', { path: '/a', access: { allow: null, deny: ['10.1.2.3'] } }],
    ['/a redirect=301,https://x.com$path', { path: '/a', redirect: { status: 301, location: 'https://x.com$path' } }],
    ['/ redirect=308,https://$host/$path', { path: '/', redirect: { status: 308, location: 'https://$host$path' } }],
    [
      '/ redirect=302,http://x.com:81/y?z=1',
      { path: '/', redirect: { status: 302, location: 'http://x.com:81/y?z=1' } },
    ],
  ])('%s is a route', (tag, wanted) => {
    expect(parseTagRoute(tag)).toEqual({ ...bare, ...wanted })
  })

  it.each([
    ['', 'it names no path'],
    [':3306 proto=tcp', 'it names no path'],
    ['foo.com', 'it names no path'],
    ['foo.com:80/', 'is no host name'],
    ['foo..com/', 'is no host name'],
    ['*foo.com/', 'has a wildcard'],
    ['foo.*/', 'has a wildcard'],
    ['*.*.com/', 'has a wildcard'],
    ['/a/*', 'has a wildcard'],
    ['/a/../b', 'no request has the path'],
    ['/a?b', 'no request has the path'],
    ['/a\u0000', 'no request has the path'],
    ['/a strip=/b', 'is no part of the path'],
    ['/ab strip=/a', 'is no part of the path'],
    ['/a strip=a', 'no path in normal form'],
    ['/a prepend=/../x', 'no path in normal form'],
    ['/a proto=tcp', 'proto=tcp is not spoken'],
    ['/a proto=grpc', 'proto=grpc is not spoken'],
    ['/a auth=basic', `the option "auth=basic" can't be honoured`],
    ['/a register=other', `can't be honoured`],
    ['/a stirp=/a', `can't be honoured`],
    ['/a strip', `can't be honoured`],
    ['/a __proto__=x', `can't be honoured`],
    ['/a strip=/a strip=/a', '`strip` is there twice'],
    ['/a host=other', 'the only `host`'],
    ['/a pxyproto=true', 'PROXY protocol'],
    ['/a tlsskipverify=yes', 'neither true nor false'],
    ['/a weight=x', 'no share'],
    ['/a weight=-1', 'no share'],
    ['/a allow=ip:10.0.0.0/8 deny=ip:10.0.0.1', 'both `allow` and `deny`'],
    ['/a allow=10.0.0.0/8', 'not of the form'],
    ['/a allow=ip:10.0.0.0/33', 'not of the form'],
    ['/a allow=', 'not of the form'],
    ['/a allow=ip:fe80::1%eth0', 'not of the form'],
    ['/a redirect=https://x.com', 'has no status'],
    ['/a redirect=200,https://x.com', 'has no status'],
    ['/a redirect=301,$path', 'leads to no URL'],
    ['/a redirect=301,//x.com', 'leads to no URL'],
    ['/a redirect=301,javascript:alert(1)', 'leads to no URL'],
    ['/a redirect=301,https://x.com$path$path', 'leads to no URL'],
    ['/a redirect=301,https://x$host.com', 'leads to no URL'],
    ['/a redirect=301,https://x.com/$other', 'leads to no URL'],
  ])('%s is none', (tag, reason) => {
    expect(() => parseTagRoute(tag)).toThrow(reason)
  })

  it('is one route with another by host and path', () => {
    expect(placeOf(parseTagRoute('A.com/x weight=0.5'))).toBe(placeOf(parseTagRoute('a.com/x')))
  })
})
