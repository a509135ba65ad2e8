import { describe, expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { useFlow } from '../support/flow.ts'
import { answer } from '../support/recording-origin.ts'

const flow = useFlow()
const expecting = 'PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n'

describe('Expect: 100-continue', () => {
  test('is the endpoint’s to grant: the client hears its 100, then sends the body', async () => {
    const origin = await flow.rawOrigin((request) => answer(`got ${request.body}`))
    const engine = await flow.engine({ origins: [origin] })
    const client = await flow.client(engine)

    client.send(expecting)
    const upstream = await origin.connectionAt(1, 1)
    expect(upstream.received).toContain('\r\nexpect: 100-continue\r\n')
    expect(client.received).toBe('')
    upstream.socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    expect((await client.response()).startLine).toBe('HTTP/1.1 100 Continue')
    const response = await client.send('body').response()

    expect(response.body).toBe('got body')
    expect(header(response, 'connection')).toBeUndefined()
    expect((await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()).status).toBe(200)
    expect(origin.connections).toHaveLength(1)
  })

  test.each(['417 Expectation Failed', '200 OK', '307 Temporary Redirect'])(
    'answered at once with %s, the client gets that and both connections end',
    async (status) => {
      const origin = await flow.rawOrigin()
      const engine = await flow.engine({ origins: [origin] })
      const client = await flow.client(engine)

      client.send(expecting)
      const upstream = await origin.connectionAt(1, 1)
      upstream.socket.write(answer('no body wanted', status))
      const response = await client.response()

      expect(response.startLine).toBe(`HTTP/1.1 ${status}`)
      expect(header(response, 'connection')).toBe('close')
      expect((await client.rest()).ending).toBe('fin')
      await upstream.closed()
      expect(await engine.settledAt(1)).toMatchObject({ status: Number(status.slice(0, 3)), failure: null })
    },
  )

  test('is passed on to an endpoint that does not know it: the body comes without a 100', async () => {
    const origin = await flow.rawOrigin((request) => answer(`got ${request.body}`))
    const engine = await flow.engine({ origins: [origin] })
    const client = await flow.client(engine)

    client.send(expecting)
    await origin.connectionAt(1, 1)
    const response = await client.send('body').response()

    expect(response.body).toBe('got body')
    expect(header(response, 'connection')).toBeUndefined()
  })

  test('left unanswered, is a head timeout', async () => {
    const origin = await flow.rawOrigin()
    const engine = await flow.engine({ origins: [origin], service: { headTimeoutMs: 200 } })
    const client = await flow.client(engine)

    const response = await client.send(expecting).response()

    expect(response.status).toBe(504)
    expect(header(response, 'x-tidegate-error')).toBe('head-timeout')
  })

  test('no longer counts against the endpoint once the client sends without waiting', async () => {
    const origin = await flow.rawOrigin((request) => answer(`got ${request.body}`))
    const engine = await flow.engine({
      origins: [origin],
      service: { headTimeoutMs: 500 },
      listener: { timeouts: { bodyMs: 1500 } },
    })
    const client = await flow.client(engine)

    client.send(expecting)
    await origin.connectionAt(1, 1)
    client.send('bo')

    // Both times run out while the body is incomplete: it is the client that is late.
    expect(header(await client.response(), 'x-tidegate-error')).toBe('request-timeout')
  })

  test('a 100 that nobody asked for is not passed on', async () => {
    const origin = await flow.rawOrigin(() => `HTTP/1.1 100 Continue\r\n\r\n${answer('final')}`)
    const engine = await flow.engine({ origins: [origin] })
    const client = await flow.client(engine)

    const response = await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx').response()

    expect(response.body).toBe('final')
  })
})

test('passes 102 and 103 on before the answer', async () => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n'
  const origin = await flow.rawOrigin(() => `HTTP/1.1 102 Processing\r\n\r\n${hints}${answer('final')}`)
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const responses = await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').responses(3)

  expect(responses.map(({ raw }) => raw)).toEqual(['HTTP/1.1 102 Processing\r\n\r\n', hints, expect.any(String)])
  expect(responses[2]?.body).toBe('final')
  expect((await engine.settledAt(1)).status).toBe(200)
})

test('keeps interim answers from HTTP/1.0 clients', async () => {
  const origin = await flow.rawOrigin(() => `HTTP/1.1 103 Early Hints\r\n\r\n${answer('final')}`)
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  expect((await client.send('GET / HTTP/1.0\r\n\r\n').response()).body).toBe('final')
})

test('takes 32 interim answers', async () => {
  const origin = await flow.rawOrigin(() => 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(32) + answer('final'))
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const responses = await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').responses(33)

  expect(responses[32]?.body).toBe('final')
})

test('takes no endless row of interim answers', async () => {
  const origin = await flow.rawOrigin(() => 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(5000))
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const responses = await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').responses(33)

  expect(responses[32]?.status).toBe(502)
  expect(await engine.settledAt(1)).toMatchObject({ status: 502, failure: 'bad-response' })
  await origin.connections[0]?.closed()
})
