import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { exchangeRaw, RawClient } from '../support/raw-client.ts'
import { answer, type OriginConnection } from '../support/recording-origin.ts'
import { overEngines } from '../support/over-engines.ts'
import { expectStillServing, type Stage } from '../support/stage.ts'

overEngines(({ setStage }) => {
  /** What the origin sends to a request for `/bad`; `end` and `reset` say what it does to the connection then. */
  let reply = ''
  let ending: 'stay' | 'end' | 'reset' = 'stay'
  let badConnections: OriginConnection[] = []
  let stage: Stage

  beforeEach(async () => {
    ending = 'stay'
    badConnections = []
    stage = await setStage({}, (request) => {
      if (!request.target.startsWith('/bad')) return answer(request.target)
      const { socket } = request.connection
      badConnections.push(request.connection)
      socket.write(reply, 'latin1', () => {
        if (ending === 'end') socket.end()
        if (ending === 'reset') socket.resetAndDestroy()
      })
      return undefined
    })
  })
  afterEach(async () => stage.close())

  const sized = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'

  async function bad(method = 'GET'): Promise<RawClient> {
    const client = await RawClient.connect(stage.engine.port)
    return client.send(`${method} /bad HTTP/1.1\r\nhost: a\r\n\r\n`)
  }

  describe('a body that breaks off', () => {
    test.each([
      ['by its length, with FIN', `${sized}hello`, 'end'],
      ['by its length, with a reset', `${sized}hello`, 'reset'],
      ['in a chunk, with FIN', `${chunked}a\r\nhello`, 'end'],
      ['in a chunk, with a reset', `${chunked}a\r\nhello`, 'reset'],
      ['between chunks', `${chunked}5\r\nhello\r\n`, 'end'],
      ['in the last chunk', `${chunked}5\r\nhello\r\n0\r\n`, 'end'],
      ['in the trailers', `${chunked}5\r\nhello\r\n0\r\nx-a: b\r\n`, 'end'],
      ['with a bad chunk size', `${chunked}5\r\nhello\r\nz\r\n`, 'stay'],
      ['with a signed chunk size', `${chunked}5\r\nhello\r\n+5\r\nhello\r\n0\r\n\r\n`, 'stay'],
      ['with data longer than its chunk', `${chunked}5\r\nhello!\r\n0\r\n\r\n`, 'stay'],
      ['with LF after a chunk', `${chunked}5\r\nhello\n0\r\n\r\n`, 'stay'],
      ['with a chunk size past 2^64', `${chunked}5\r\nhello\r\n10000000000000005\r\nhello\r\n0\r\n\r\n`, 'stay'],
      ['with an extension over 256 bytes', `${chunked}5\r\nhello\r\n1;${'x'.repeat(256)}\r\n!\r\n0\r\n\r\n`, 'stay'],
      [
        'with extensions that are endless together',
        `${chunked}${`1;${'x'.repeat(200)}\r\n!\r\n`.repeat(100)}0\r\n\r\n`,
        'stay',
      ],
      ['with trailers over 16 KiB', `${chunked}5\r\nhello\r\n0\r\n${'x-a: b\r\n'.repeat(2100)}\r\n`, 'stay'],
      ['with LF in an extension', `${chunked}5\r\nhello\r\n1;a\n!\r\n0\r\n\r\n`, 'stay'],
      ['with CR after a size', `${chunked}5\r\nhello\r\n1\r!\r\n0\r\n\r\n`, 'stay'],
      ['with NUL in a trailer', `${chunked}5\r\nhello\r\n0\r\nx-a: \0\r\n\r\n`, 'stay'],
      ['with a folded trailer', `${chunked}5\r\nhello\r\n0\r\nx-a: b\r\n c\r\n\r\n`, 'stay'],
      ['with a bad trailer', `${chunked}5\r\nhello\r\n0\r\nx a\r\n\r\n`, 'stay'],
    ] as const)('%s is cut visibly', async (_name, text, then) => {
      reply = text
      ending = then
      const client = await bad()
      await expect(client.response()).rejects.toThrow('the connection ended')
      expect(client.received).toContain('HTTP/1.1 200 OK\r\n')
      expect(client.received).not.toContain('\r\n0\r\n')
      const [connection] = badConnections
      await connection?.closed()
      await expectStillServing(stage)
      expect((await stage.engine.settledAt(1)).failure).toBe('reset-in-body')
    })

    test('ends with a reset where it would end with the connection', async () => {
      reply = 'HTTP/1.1 200 OK\r\n\r\nhello'
      const client = await RawClient.connect(stage.engine.port)
      client.send('GET /bad HTTP/1.0\r\nhost: a\r\n\r\n')
      await client.bytes(reply.length)
      badConnections[0]?.socket.resetAndDestroy()
      expect((await client.rest()).ending).toBe('reset')
    })
  })

  test('1,500 short trailers are relayed', async () => {
    reply = `${chunked}2\r\nok\r\n0\r\n${'a:\r\n'.repeat(1500)}\r\n`
    const client = await bad()
    const { body, trailers } = await client.response()
    expect({ body, count: trailers.length }).toEqual({ body: 'ok', count: 1500 })
    client.destroy()
  })

  describe('bytes behind a response', () => {
    test.each([
      ['a body to HEAD', 'HEAD', answer('hello'), ''],
      ['chunks to HEAD', 'HEAD', `${chunked}5\r\nhello\r\n0\r\n\r\n`, ''],
      ['a body with 204', 'GET', answer('hello', '204 No Content'), ''],
      [
        'chunks with 204',
        'GET',
        'HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
        '',
      ],
      ['a body with 304', 'GET', answer('hello', '304 Not Modified'), ''],
      ['more than its length', 'GET', `${answer('hello')}!`, 'hello'],
      ['a second response', 'GET', answer('hello') + answer('evil'), 'hello'],
      ['a second response behind chunks', 'GET', `${chunked}5\r\nhello\r\n0\r\n\r\n${answer('evil')}`, 'hello'],
      ['a body where the length is 0', 'GET', `${answer('')}hello`, ''],
    ])('%s reach nobody, and the connection is not used again', async (_name, method, text, body) => {
      reply = text
      const client = await bad(method)
      const response = await client.response({ bodyless: method === 'HEAD' })
      expect(response.body).toBe(body)
      expect(header(response, 'transfer-encoding')).toBe(
        body === '' || !text.includes('chunked') ? undefined : 'chunked',
      )
      await badConnections[0]?.closed()
      client.send('GET /next HTTP/1.1\r\nhost: a\r\n\r\n')
      expect((await client.response()).body).toBe('/next')
      client.destroy()
      await expectStillServing(stage)
    })

    test('a response that comes while the connection is idle reaches nobody', async () => {
      reply = answer('hello')
      expect((await exchangeRaw(stage.engine.port, 'GET /bad HTTP/1.1\r\nhost: a\r\n\r\n')).body).toBe('hello')
      badConnections[0]?.socket.write(answer('unsolicited'), 'latin1')
      await badConnections[0]?.closed()
      await expectStillServing(stage)
    })

    test('a length is not announced with 204, and is with 304', async () => {
      reply = 'HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n'
      const noContent = await exchangeRaw(stage.engine.port, 'GET /bad HTTP/1.1\r\nhost: a\r\n\r\n')
      expect(header(noContent, 'content-length')).toBeUndefined()
      reply = 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n'
      const notModified = await exchangeRaw(stage.engine.port, 'GET /bad HTTP/1.1\r\nhost: a\r\n\r\n')
      expect(header(notModified, 'content-length')).toBe('5')
    })
  })

  describe('interim responses', () => {
    test('are relayed in front of the final one', async () => {
      reply = `HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${answer('hello')}`
      const client = await bad()
      const [hints, processing, final] = await client.responses(3)
      expect([hints?.status, processing?.status, final?.status]).toEqual([103, 102, 200])
      expect(hints && header(hints, 'link')).toBe('</a.css>')
      expect(final?.body).toBe('hello')
      client.destroy()
    })

    test('do not bring a body with them', async () => {
      const fields = 'content-length: 5\r\ntransfer-encoding: chunked\r\n'.split(/(?<=\n)/)
      for (const line of fields) {
        reply = `HTTP/1.1 103 Early Hints\r\n${line}x-a: b\r\n\r\n${answer('hello')}`
        const client = await bad()
        const [hints, final] = await client.responses(2)
        expect(hints?.fields).toEqual([['x-a', 'b']])
        expect(final?.body).toBe('hello')
        client.destroy()
      }
    })

    // node:http, llhttp in it, takes an interim answer that says so for the last one of the connection.
    test('that say close speak of the final one', async () => {
      reply = `HTTP/1.1 103 Early Hints\r\nconnection: close\r\nx-a: b\r\n\r\n${answer('hello')}`
      const client = await bad()
      const [hints, final] = await client.responses(2)
      expect(hints?.fields).toEqual([['x-a', 'b']])
      expect(final?.body).toBe('hello')
      client.destroy()
    })

    test('do not reach HTTP/1.0, and 100 reaches only who expects it', async () => {
      reply = `HTTP/1.1 100 Continue\r\n\r\n${answer('hello')}`
      const client = await bad()
      expect((await client.response()).status).toBe(200)
      client.destroy()
      reply = `HTTP/1.1 103 Early Hints\r\n\r\n${answer('hello')}`
      const old = await exchangeRaw(stage.engine.port, 'GET /bad HTTP/1.0\r\nhost: a\r\n\r\n')
      expect(old.status).toBe(200)
    })
  })
})
