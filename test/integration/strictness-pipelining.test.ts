import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { RawClient } from '../support/raw-client.ts'
import { answer, type RecordedRequest } from '../support/recording-origin.ts'
import { overEngines } from '../support/over-engines.ts'
import { deliveries, deliver, expectProblem, expectStillServing, type Stage } from '../support/stage.ts'

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`
const post = (target: string): string => `POST ${target} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`

overEngines(({ setStage }) => {
  let stage: Stage
  /** Requests for `/silent` get no answer until a test sends one. */
  beforeEach(async () => {
    stage = await setStage({}, ({ target }) => (target === '/silent' ? undefined : answer(target)))
  })
  afterEach(async () => stage.close())

  describe('requests behind each other', () => {
    test.each([3, 1000])('%i at once are answered in their order', async (count) => {
      const client = await RawClient.connect(stage.engine.port)
      const targets = Array.from({ length: count }, (_, i) => `/pipelined/${count}/${i}`)
      client.send(targets.map(get).join(''))
      const responses = await client.responses(count)
      expect(responses.map(({ body }) => body)).toEqual(targets)
      client.destroy()
    })

    test('answers of the gateway itself keep their place among those of the origin', async () => {
      const own = await setStage({ routes: [{ path: '/web' }] })
      const client = await RawClient.connect(own.engine.port)
      client.send(Array.from({ length: 200 }, (_, i) => get(i % 2 === 0 ? `/web/${i}` : `/nowhere/${i}`)).join(''))
      const responses = await client.responses(200)
      expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 200 }, (_, i) => (i % 2 ? 404 : 200)))
      expect(responses.filter((_, i) => i % 2 === 0).map(({ body }) => body)).toEqual(
        Array.from({ length: 100 }, (_, i) => `/web/${i * 2}`),
      )
      client.destroy()
      await own.close()
    })

    test.each(deliveries)('with bodies of every kind are told apart when delivered %s', async (delivery) => {
      const client = await RawClient.connect(stage.engine.port)
      const looksLikeARequest = get('/inside')
      const bytes = [
        `POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: ${looksLikeARequest.length}\r\n\r\n${looksLikeARequest}`,
        `${post('/b')}${looksLikeARequest.length.toString(16)}\r\n${looksLikeARequest}\r\n0\r\n\r\n`,
        'POST /c HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n',
        `\r\n${get('/d')}`,
        'HEAD /e HTTP/1.1\r\nhost: a\r\n\r\n',
      ].join('')
      await deliver(client, bytes, delivery)
      expect((await client.responses(4)).map(({ body }) => body)).toEqual(['/a', '/b', '/c', '/d'])
      expect((await client.response({ bodyless: true })).status).toBe(200)
      expect(stage.origin.requests.map(({ target }) => target)).toEqual(['/a', '/b', '/c', '/d', '/e'])
      expect(stage.origin.requests[0]?.body).toBe(looksLikeARequest)
      client.destroy()
    })

    test.each([
      ['in one piece', (request: string) => [`\r\n${request}`]],
      ['apart', (request: string) => ['\r\n', request]],
      ['with the end of the one before', (request: string) => [`${request}\r\n`]],
      ['in its own two bytes', (request: string) => ['\r', '\n', request]],
    ])('may each have one empty line in front, delivered %s, when all are alike', async (_name, cut) => {
      const client = await RawClient.connect(stage.engine.port)
      for (let i = 0; i < 8; i++) {
        await client.sendPieces(cut(get('/alike')))
        expect((await client.response()).body).toBe('/alike')
      }
      client.destroy()
    })

    describe.each(deliveries)('delivered %s', (delivery) => {
      test.each(['garbage ', 'garbage\r\n\r\n', '\0', 'GET / HTTP/1.1\r\n\r\n', '\r\n\r\n'])(
        'a refused one, %j, ends the connection behind the answers before it',
        async (garbage) => {
          const client = await RawClient.connect(stage.engine.port)
          await deliver(client, get('/first') + garbage + get('/never'), delivery)
          expect((await client.response()).body).toBe('/first')
          expectProblem(await client.response(), 'bad-request')
          expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
          client.destroy()
          await expectStillServing(stage)
          expect(stage.origin.requests.filter(({ target }) => target === '/never')).toEqual([])
        },
      )
    })

    test('the one that asks to close is the last', async () => {
      const client = await RawClient.connect(stage.engine.port)
      client.send(`GET /last HTTP/1.1\r\nhost: a\r\nConnection: Keep-Alive, CLOSE\r\n\r\n${get('/never')}`)
      const response = await client.response()
      expect(header(response, 'connection')).toBe('close')
      expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
      client.destroy()
      await expectStillServing(stage)
      expect(stage.origin.requests.map(({ target }) => target)).not.toContain('/never')
    })

    test('HTTP/1.0 is kept alive only where it asks', async () => {
      const client = await RawClient.connect(stage.engine.port)
      client.send('GET /1 HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\nhost: a\r\n\r\n')
      const [first, second] = await client.responses(2)
      expect(first && header(first, 'connection')).toBe('keep-alive')
      expect(second && header(second, 'connection')).toBe('close')
      expect((await client.rest()).ending).toBe('fin')
      client.destroy()
    })
  })

  describe('a client that leaves', () => {
    test('in the middle of a head leaves nothing upstream', async () => {
      const client = await RawClient.connect(stage.engine.port)
      client.send('GET /half HTTP/1.1\r\nhost: a\r\n').end()
      expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
      expect(stage.origin.receivedBytes).toBe(0)
      await expectStillServing(stage)
    })

    test.each([
      ['in a body, with FIN', 'POST /half HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhello', 'fin'],
      ['in a body, with a reset', 'POST /half HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhello', 'reset'],
      ['in a chunk, with FIN', `${post('/half')}a\r\nhello`, 'fin'],
      ['in a chunk, with a reset', `${post('/half')}a\r\nhello`, 'reset'],
      ['between chunks, with FIN', `${post('/half')}5\r\nhello\r\n`, 'fin'],
      ['before the last CRLF, with FIN', `${post('/half')}5\r\nhello\r\n0\r\n`, 'fin'],
    ] as const)('%s takes the upstream connection along', async (_name, bytes, how) => {
      const client = await RawClient.connect(stage.engine.port)
      client.send(bytes)
      const connection = await stage.origin.connectionAt(1, bytes.indexOf('\r\n\r\n') + 4)
      if (how === 'fin') client.end()
      else client.reset()
      await connection.closed()
      expect(connection.requests).toEqual([])
      expect((await stage.engine.settledAt(1)).failure).toBe('client-abort')
      await expectStillServing(stage)
    })

    test('with a reset before its answer takes the upstream connection along', async () => {
      const client = await RawClient.connect(stage.engine.port)
      client.send(get('/silent'))
      const { connection } = await stage.origin.requestAt(1)
      client.reset()
      await connection.closed()
      expect((await stage.engine.settledAt(1)).failure).toBe('client-abort')
      await expectStillServing(stage)
    })

    test('with FIN behind a whole request still gets its answer', async () => {
      const client = await RawClient.connect(stage.engine.port)
      client.send(get('/silent')).end()
      const { connection }: RecordedRequest = await stage.origin.requestAt(1)
      connection.socket.write(answer('late'))
      expect((await client.response()).body).toBe('late')
      expect((await client.rest()).ending).toBe('fin')
    })
  })

  test('an early answer to a body that goes on ends both connections', async () => {
    const client = await RawClient.connect(stage.engine.port)
    const bytes = `${post('/early')}5\r\nhello\r\n`
    client.send(bytes)
    const connection = await stage.origin.connectionAt(1, bytes.indexOf('\r\n\r\n') + 4)
    connection.socket.write(answer('early', '413 Content Too Large'))
    const response = await client.response()
    expect([response.status, response.body, header(response, 'connection')]).toEqual([413, 'early', 'close'])
    client.send('5\r\nhello\r\n0\r\n\r\n')
    expect((await client.rest()).ending).toBe('fin')
    client.destroy()
    await connection.closed()
    expect(connection.requests).toEqual([])
    await expectStillServing(stage)
  })
})
