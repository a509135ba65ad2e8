import { expect, test } from 'vitest'
import type { ConnectMiddleware } from '../../src/core/middleware.ts'
import { useFlow } from '../support/flow.ts'
import { header } from '../support/http-message.ts'
import { expectProblem } from '../support/stage.ts'

const flow = useFlow()
const get = 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n'

async function through(...middlewares: ConnectMiddleware[]) {
  const origin = await flow.rawOrigin()
  const engine = await flow.engine({ origins: [origin], middlewares, listener: { engine: 'standard' } })
  return { origin, engine, client: await flow.client(engine) }
}

test('a middleware may set response fields and let the request pass', async () => {
  const { client } = await through((_request, response, next) => {
    response.setHeader('x-stamp', 'seen')
    next()
  })
  const response = await client.send(get).response()
  expect(response).toMatchObject({ status: 200, body: '/x' })
  expect(header(response, 'x-stamp')).toBe('seen')
})

test('a middleware may answer; the answer is counted and logged, and the connection goes on', async () => {
  const { client, engine, origin } = await through((_request, response) => {
    response.statusCode = 401
    response.end('who?')
  })
  const responses = await client.send(get + get).responses(2)
  expect(responses).toMatchObject([
    { status: 401, body: 'who?' },
    { status: 401, body: 'who?' },
  ])
  expect(await engine.settledAt(2)).toMatchObject({ status: 401, failure: null, routeId: null, url: '/x' })
  expect(origin.requests).toEqual([])
})

test('a middleware that fails is a 500 of the gateway', async () => {
  const { client, engine } = await through(() => {
    throw new Error('broken')
  })
  expectProblem(await client.send(get).response(), 'middleware-failed')
  expect(await engine.settledAt(1)).toMatchObject({ failure: 'middleware-failed' })
})

test('a request that the gateway refuses is shown to no middleware', async () => {
  let shown = 0
  const { client } = await through((_request, _response, next) => {
    shown++
    next()
  })
  expectProblem(await client.send('GET /a/..%2fb HTTP/1.1\r\nhost: a\r\n\r\n').response(), 'bad-request')
  expect(shown).toBe(0)
})

test('a client that leaves while a middleware thinks is settled as gone', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const { client, engine } = await through(() => resolve())
  client.send(get)
  await asked
  client.reset()
  expect(await engine.settledAt(1)).toMatchObject({ failure: 'client-abort' })
})
