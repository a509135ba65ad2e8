import { describe, expect, test } from 'vitest'
import type { HttpsRedirect } from '../../src/core/snapshot.ts'
import { Authority } from '../support/certificates.ts'
import { useFlow } from '../support/flow.ts'
import { header } from '../support/http-message.ts'
import { listenerTls } from '../support/listener-tls.ts'
import { expectProblem } from '../support/stage.ts'

const flow = useFlow()
const defaults: HttpsRedirect = { port: 443, status: 308, except: [] }

describe.each(['fast', 'standard'] as const)('a listener that redirects to HTTPS (%s)', (engineName) => {
  async function serve(changes: Partial<HttpsRedirect> = {}) {
    const origin = await flow.rawOrigin()
    const redirectToHttps = { ...defaults, ...changes }
    const engine = await flow.engine({ origins: [origin], listener: { engine: engineName, redirectToHttps } })
    return { origin, engine, client: await flow.client(engine) }
  }

  test.each([
    ['/a/b?c=d&e', 'shop.test', 'https://shop.test/a/b?c=d&e'],
    ['/a/../b/./c', 'shop.test', 'https://shop.test/b/c'],
    ['/', 'SHOP.test:8080', 'https://shop.test/'],
    ['/', '[::1]:8080', 'https://[::1]/'],
    ['//evil.test/x', 'shop.test', 'https://shop.test//evil.test/x'],
    ['http://other.test:81/x?y', 'shop.test', 'https://other.test/x?y'],
    ['/%0d%0aset-cookie:a', 'shop.test', 'https://shop.test/%0d%0aset-cookie:a'],
  ])('sends %s of %s to %s', async (target, host, location) => {
    const { client, engine, origin } = await serve()
    const response = await client.send(`GET ${target} HTTP/1.1\r\nhost: ${host}\r\n\r\n`).response()
    expect(response).toMatchObject({ status: 308, body: '', framing: 'length' })
    expect(header(response, 'location')).toBe(location)
    expect(header(response, 'x-request-id')).toMatch(/^[\w-]+$/)
    expect(header(response, 'connection')).toBeUndefined()
    expect(origin.connections).toEqual([])
    expect(await engine.settledAt(1)).toMatchObject({ status: 308, failure: null, routeId: null, endpointPort: null })
  })

  test('names the port where it is another, and takes the status it is told', async () => {
    const { client } = await serve({ port: 8443, status: 302 })
    const response = await client.send('GET /x HTTP/1.1\r\nhost: shop.test:8080\r\n\r\n').response()
    expect(response.startLine).toBe('HTTP/1.1 302 Found')
    expect(header(response, 'location')).toBe('https://shop.test:8443/x')
  })

  test('keeps the connection, for requests of any method without a body', async () => {
    const { client } = await serve()
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS']) {
      const request = `${method} /${method} HTTP/1.1\r\nhost: shop.test\r\n\r\n`
      const response = await client.send(request).response({ bodyless: method === 'HEAD' })
      expect(header(response, 'location')).toBe(`https://shop.test/${method}`)
    }
  })

  test('closes behind the answer to a request whose body is still to come', async () => {
    const { client } = await serve()
    const response = await client.send('POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\nx').response()
    expect(response.status).toBe(308)
    expect(header(response, 'connection')).toBe('close')
    expect((await client.rest()).ending).toBe('fin')
  })

  test.each([
    ['GET / HTTP/1.0\r\n\r\n'],
    ['GET / HTTP/1.1\r\n\r\n'],
    ['GET / HTTP/1.1\r\nhost: a b\r\n\r\n'],
    ['GET / HTTP/1.1\r\nhost: a/b\r\n\r\n'],
    ['GET /..%2fx HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['GET /x\\y HTTP/1.1\r\nhost: a\r\n\r\n'],
  ])('refuses what is no good request: %j', async (bytes) => {
    const { client } = await serve()
    expectProblem(await client.send(bytes).response(), 'bad-request')
  })

  test('routes what is below the prefixes that are left out', async () => {
    const { client, origin } = await serve({ except: ['/.well-known/acme-challenge', '/open/'] })
    const ask = (target: string) => client.send(`GET ${target} HTTP/1.1\r\nhost: shop.test\r\n\r\n`).response()
    const answers = [
      ['/.well-known/acme-challenge/token', 200],
      ['/.well-known/acme-challenge', 200],
      ['/open/x', 200],
      ['/.well-known/acme-challenges', 308],
      ['/open', 308],
      ['/x/.well-known/acme-challenge/token', 308],
    ] as const
    for (const [target, status] of answers)
      expect({ target, status: (await ask(target)).status }).toEqual({ target, status })
    expect(origin.requests).toHaveLength(3)
  })

  test('comes and goes with a reload, on connections that stand', async () => {
    const { client, engine } = await serve()
    const status = async () => (await client.send('GET / HTTP/1.1\r\nhost: shop.test\r\n\r\n').response()).status
    expect(await status()).toBe(308)
    await engine.listen([{ redirectToHttps: null }])
    expect(await status()).toBe(200)
    await engine.listen([{ redirectToHttps: defaults }])
    expect(await status()).toBe(308)
  })

  test('leads to a listener that serves HTTPS', async () => {
    const authority = Authority.create('redirect')
    const tls = listenerTls([authority.issue({ names: ['edge.test'] })])
    const origin = await flow.rawOrigin()
    const secure = await flow.engine({ origins: [origin], listener: { engine: engineName, tls } })
    const { client } = await serve({ port: secure.port })
    const response = await client.send('GET /x HTTP/1.1\r\nhost: edge.test\r\n\r\n').response()
    const { hostname, port, pathname } = new URL(header(response, 'location') ?? '')
    const { client: secured } = await flow.tlsClient(
      { port: Number(port) },
      { ca: authority.cert, servername: hostname },
    )
    expect((await secured.send(`GET ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`).response()).body).toBe('/x')
  })
})
