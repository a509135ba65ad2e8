import { describe, expect, test } from 'vitest'
import { useFlow } from '../support/flow.ts'
import type { RouteChanges } from '../support/engine.ts'
import { header } from '../support/http-message.ts'
import { engines } from '../support/over-engines.ts'
import { expectProblem } from '../support/stage.ts'

const flow = useFlow()

const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nhost: shop.test\r\n${fields}\r\n`

describe.each(engines)('what a route has in front of its service (%s)', (engineName) => {
  async function serve(route: RouteChanges, trustedProxies: readonly string[] = []) {
    const origin = await flow.rawOrigin()
    const engine = await flow.engine({ origins: [origin], route, listener: { engine: engineName, trustedProxies } })
    return { origin, engine, client: await flow.client(engine) }
  }

  test.each([
    ['allows', { allow: ['127.0.0.0/8'], deny: [] }],
    ['does not deny', { allow: null, deny: ['10.0.0.0/8', '::1'] }],
  ])('lets clients through that it %s', async (_, access) => {
    const { client } = await serve({ access })
    expect((await client.send(get('/x')).response()).status).toBe(200)
  })

  test.each([
    ['does not allow', { allow: ['10.0.0.0/8', 'fe80::/10'], deny: [] }],
    ['denies', { allow: null, deny: ['127.0.0.1'] }],
  ])('turns clients away that it %s, before anything reaches an endpoint', async (_, access) => {
    const { client, engine, origin } = await serve({ access })
    for (let i = 0; i < 2; i++) expectProblem(await client.send(get('/x')).response(), 'forbidden')
    expect(origin.connections).toEqual([])
    expect(await engine.settledAt(2)).toMatchObject({ status: 403, failure: 'forbidden', routeId: '/' })
  })

  test.each([
    ['10.1.2.3', 200],
    ['::ffff:10.1.2.3', 200],
    ['11.1.2.3', 403],
    ['10.1.2.3, 11.1.2.3', 403],
    ['unknown', 403],
    ['10.1.2.3:80', 403],
  ])('goes by the address that a trusted proxy says: %s gets %i', async (forwardedFor, status) => {
    const { client } = await serve({ access: { allow: ['10.0.0.0/8'], deny: [] } }, ['127.0.0.1'])
    expect((await client.send(get('/', `x-forwarded-for: ${forwardedFor}\r\n`)).response()).status).toBe(status)
  })

  test('turns away what says no address even where it allows all that it does not deny', async () => {
    const { client } = await serve({ access: { allow: null, deny: ['10.0.0.0/8'] } }, ['127.0.0.1'])
    expectProblem(await client.send(get('/', 'x-forwarded-for: unknown\r\n')).response(), 'forbidden')
  })

  test('believes no address that anybody else says', async () => {
    const { client } = await serve({ access: { allow: ['10.0.0.0/8'], deny: [] } })
    expectProblem(await client.send(get('/', 'x-forwarded-for: 10.1.2.3\r\n')).response(), 'forbidden')
  })

  test.each([
    ['https://far.test$path', '/a/b?c=d', 'https://far.test/a/b?c=d'],
    ['https://$host/$path', '/a', 'https://shop.test//a'],
    ['https://$host$path', '/a%0d%0a$&', 'https://shop.test/a%0d%0a$&'],
    ['http://far.test:81/fixed', '/a?b', 'http://far.test:81/fixed'],
    ['http://far.test/fixed?q=1', '/a?b', 'http://far.test/fixed?q=1'],
  ])('sends clients to %s: %s to %s', async (location, target, wanted) => {
    const { client, origin } = await serve({ redirect: { status: 303, location } })
    const response = await client.send(get(target)).response()
    expect(response.startLine).toBe('HTTP/1.1 303 See Other')
    expect(header(response, 'location')).toBe(wanted)
    expect(origin.connections).toEqual([])
  })

  test('takes nothing in a host for a word of the location', async () => {
    const { client } = await serve({ redirect: { status: 301, location: 'https://$host$path' } })
    const response = await client.send('GET /a HTTP/1.1\r\nhost: x$path\r\n\r\n').response()
    expect(header(response, 'location')).toBe('https://x$path/a')
  })

  test('sends clients to the path that the service would have got', async () => {
    const redirect = { status: 301, location: 'https://far.test$path' } as const
    const { client } = await serve({ path: '/old', stripPrefix: true, prependPath: '/new', redirect })
    expect(header(await client.send(get('/old/a')).response(), 'location')).toBe('https://far.test/new/a')
    expect(header(await client.send(get('/old')).response(), 'location')).toBe('https://far.test/new/')
  })

  test('asks for a host where it has to send clients back to theirs', async () => {
    const { client } = await serve({ redirect: { status: 301, location: 'https://$host$path' } })
    expectProblem(await client.send('GET / HTTP/1.0\r\n\r\n').response(), 'bad-request')
  })

  test('turns clients away before it sends them elsewhere', async () => {
    const redirect = { status: 301, location: 'https://far.test$path' } as const
    const { client } = await serve({ access: { allow: ['10.0.0.0/8'], deny: [] }, redirect })
    expectProblem(await client.send(get('/')).response(), 'forbidden')
  })
})
