import { expect } from 'vitest'
import { header } from '../../support/http-message.ts'
import { answer } from '../../support/recording-origin.ts'
import type { EngineCase } from './case.ts'

/** What reaches the endpoint. */
export const forwardingCases: readonly EngineCase[] = [
  {
    title: 'forwards a GET with its fields and ours',
    async run({ flow, start, proto }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const response = await client
        .send('GET /p?q=1 HTTP/1.1\r\nHost: shop.test\r\nX-Mine: 1\r\nx-mine: 2\r\nx-forwarded-for: 6.6.6.6\r\n\r\n')
        .response()
      expect(response).toMatchObject({ status: 200, body: '/p?q=1' })
      const request = await origin.requestAt(1)
      expect(request.startLine).toBe('GET /p?q=1 HTTP/1.1')
      expect(header(request, 'host')).toBe('shop.test')
      expect(header(request, 'x-forwarded-for')).toBe('127.0.0.1')
      expect(header(request, 'x-forwarded-proto')).toBe(proto)
      expect(header(request, 'x-forwarded-host')).toBe('shop.test')
      expect(header(request, 'forwarded')).toBe(`for=127.0.0.1;proto=${proto};host=shop.test`)
      expect(header(request, 'x-request-id')).toMatch(/^[\w-]+$/)
      expect(header(request, 'connection')).toBeUndefined()
      expect(request.fields.filter(([name]) => name.toLowerCase() === 'x-mine').map(([, value]) => value)).toEqual([
        '1',
        '2',
      ])
    },
  },
  {
    title: 'appends to the forwarded fields of a trusted proxy',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin], listener: { trustedProxies: ['127.0.0.1'] } })
      const client = await flow.client(engine)
      await client
        .send('GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 203.0.113.9\r\nx-forwarded-proto: https\r\n\r\n')
        .response()
      const request = await origin.requestAt(1)
      expect(header(request, 'x-forwarded-for')).toBe('203.0.113.9, 127.0.0.1')
      expect(header(request, 'x-forwarded-proto')).toBe('https')
      expect((await engine.settledAt(1)).clientAddress).toBe('203.0.113.9')
    },
  },
  {
    title: 'forwards paths byte for byte, in normal form',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const targets = ['/a%2Fb', '/a/../b', '/%7e|{}^`', '//x//', '/x?', '/x?a?b#'.slice(0, -1)]
      for (const target of targets) await client.send(`GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`).response()
      expect(origin.requests.map((request) => request.target)).toEqual([
        '/a%2Fb',
        '/b',
        '/%7e|{}^`',
        '//x//',
        '/x?',
        '/x?a?b',
      ])
    },
  },
  {
    title: 'strips and prepends path prefixes',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({
        origins: [origin],
        route: { path: '/api', stripPrefix: true, prependPath: '/v2', rewriteHost: true },
      })
      const client = await flow.client(engine)
      await client.send('GET /api/users?x HTTP/1.1\r\nhost: a\r\n\r\n').response()
      const request = await origin.requestAt(1)
      expect(request.target).toBe('/v2/users?x')
      expect(header(request, 'host')).toBe(`127.0.0.1:${origin.port}`)
    },
  },
  {
    title: 'forwards OPTIONS *',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      await client.send('OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n').response()
      expect((await origin.requestAt(1)).startLine).toBe('OPTIONS * HTTP/1.1')
    },
  },
  {
    title: 'drops hop-by-hop fields in both directions',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin(() =>
        answer('x', '200 OK', 'connection: x-back\r\nx-back: 1\r\nx-stays: 1\r\nkeep-alive: timeout=5\r\n'),
      )
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      const response = await client
        .send('GET / HTTP/1.1\r\nhost: a\r\nx-hop: 1\r\nconnection: x-hop\r\nproxy-authorization: b\r\n\r\n')
        .response()
      expect(response.fields).toEqual([
        ['content-length', '1'],
        ['x-stays', '1'],
      ])
      const names = (await origin.requestAt(1)).fields.map(([name]) => name.toLowerCase())
      expect(names).not.toContain('x-hop')
      expect(names).not.toContain('proxy-authorization')
    },
  },
  {
    title: 'forwards a method that is in no registry',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      expect(await client.send('BREW / HTTP/1.1\r\nhost: a\r\n\r\n').response()).toMatchObject({ status: 200 })
    },
  },
  {
    title: 'adds no framing to a request that has none',
    async run({ flow, start }) {
      const origin = await flow.rawOrigin()
      const engine = await start({ origins: [origin] })
      const client = await flow.client(engine)
      await client.send('POST / HTTP/1.1\r\nhost: a\r\n\r\n').response()
      expect(header(await origin.requestAt(1), 'content-length')).toBeUndefined()
    },
  },
]
