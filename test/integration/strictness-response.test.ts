import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { exchangeRaw, RawClient } from '../support/raw-client.ts'
import { answer, type RecordedRequest } from '../support/recording-origin.ts'
import { overEngines } from '../support/over-engines.ts'
import { expectProblem, expectStillServing, type Stage } from '../support/stage.ts'

const deliveries = ['in one piece', 'byte by byte'] as const
const fields = 'content-length: 2\r\n'

overEngines(({ setStage }) => {
  /** What the origin sends to a request for `/bad`, and how. */
  let reply = ''
  let delivered: 'in one piece' | 'byte by byte' = 'in one piece'
  let lastConnection: RecordedRequest['connection'] | null = null
  let stage: Stage

  beforeAll(async () => {
    const outlier = {
      consecutiveFailures: 1e6,
      baseEjectionMs: 1,
      maxEjectionMs: 1,
      maxEjectedPercent: 0,
      successRate: null,
    }
    stage = await setStage({ service: { outlier } }, (request) => {
      if (!request.target.startsWith('/bad')) return answer(request.target)
      lastConnection = request.connection
      if (delivered === 'in one piece') return reply
      const { socket } = request.connection
      let at = 0
      const next = (): void => {
        if (at < reply.length && !socket.destroyed) socket.write(reply.charAt(at++), 'latin1', () => setImmediate(next))
      }
      next()
      return undefined
    })
  })
  afterAll(async () => stage.close())

  describe.each(deliveries)('a response that comes %s', (delivery) => {
    test.each([
      ['a length and chunked', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
      ['chunked and a length', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n'],
      ['two lengths', `HTTP/1.1 200 OK\r\n${fields}content-length: 3\r\n\r\nok`],
      ['two equal lengths', `HTTP/1.1 200 OK\r\n${fields}${fields}\r\nok`],
      ['a length with a sign', 'HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok'],
      ['a length that is no number', 'HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\nok'],
      ['an empty length', 'HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\nok'],
      ['a list of lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok'],
      ['a length past 2^64', 'HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551618\r\n\r\nok'],
      ['an unknown coding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: cow\r\n\r\nok'],
      ['identity', 'HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\nok'],
      ['chunked, gzip', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\nok'],
      ['chunkedchunked', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunkedchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
      [
        'chunked and identity in two fields',
        'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\nok',
      ],
      ['gzip, chunked', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
      ['chunked twice', `HTTP/1.1 200 OK\r\n${'transfer-encoding: chunked\r\n'.repeat(2)}\r\n0\r\n\r\n`],
      ['chunked from HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
      ['garbage', 'hello, I am no HTTP\r\n\r\n'],
      ['garbage without an end', 'hello, I am no HTTP'],
      ['an HTTP/0.9 body', '<html>ok</html>'],
      ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
      ['binary', '\x15\x03\x01\0\x02\x02\x46'],
      ['NUL', '\0\0\0\0'],
      ['an empty line first', '\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'],
      ['the version of HTTP/2', `HTTP/2 200 OK\r\n${fields}\r\nok`],
      ['the version HTTP/1.2', `HTTP/1.2 200 OK\r\n${fields}\r\nok`],
      ['a version in lower case', `http/1.1 200 OK\r\n${fields}\r\nok`],
      ['no status', `HTTP/1.1\r\n${fields}\r\nok`],
      ['a status of two digits', `HTTP/1.1 20 OK\r\n${fields}\r\nok`],
      ['a status of four digits', `HTTP/1.1 2000 OK\r\n${fields}\r\nok`],
      ['a status of letters', `HTTP/1.1 abc OK\r\n${fields}\r\nok`],
      ['a status with a sign', `HTTP/1.1 +20 OK\r\n${fields}\r\nok`],
      ['the status 099', `HTTP/1.1 099 OK\r\n${fields}\r\nok`],
      ['the status 600', `HTTP/1.1 600 OK\r\n${fields}\r\nok`],
      ['two spaces before the status', `HTTP/1.1  200 OK\r\n${fields}\r\nok`],
      ['a tab before the status', `HTTP/1.1\t200 OK\r\n${fields}\r\nok`],
      ['NUL in the reason', `HTTP/1.1 200 O\0K\r\n${fields}\r\nok`],
      ['CR in the reason', `HTTP/1.1 200 O\rK\r\n${fields}\r\nok`],
      ['lines that end in LF', 'HTTP/1.1 200 OK\ncontent-length: 2\n\nok'],
      ['a field line that ends in LF', 'HTTP/1.1 200 OK\r\ncontent-length: 2\n\r\n\r\nok'],
      ['LF in the reason', `HTTP/1.1 200 O\nK\r\n${fields}\r\nok`],
      ['LF and a field in the reason', `HTTP/1.1 200 OK\nset-cookie: a=b\r\n${fields}\r\nok`],
      ['CR before the end of a line', `HTTP/1.1 200 OK\r\nx-a: b\r\r\n${fields}\r\nok`],
      ['CR before another field', `HTTP/1.1 200 OK\r\nx-a: b\rset-cookie: c\r\n${fields}\r\nok`],
      ['LF LF and another response', `HTTP/1.1 200 OK\r\nx-a: b\n\nHTTP/1.1 200 OK\r\n${fields}\r\nok`],
      ['NUL in a name', `HTTP/1.1 200 OK\r\nx-\0a: b\r\n${fields}\r\nok`],
      ['CR in a name', `HTTP/1.1 200 OK\r\nx\r-a: b\r\n${fields}\r\nok`],
      ['LF in a name', `HTTP/1.1 200 OK\r\nx\n-a: b\r\n${fields}\r\nok`],
      ['a high byte in a name', `HTTP/1.1 200 OK\r\nx-\xe9: b\r\n${fields}\r\nok`],
      ['a delimiter in a name', `HTTP/1.1 200 OK\r\nx(a): b\r\n${fields}\r\nok`],
      ['a control character in a value', `HTTP/1.1 200 OK\r\nx-a: \x0b\r\n${fields}\r\nok`],
      ['DEL in a value', `HTTP/1.1 200 OK\r\nx-a: \x7f\r\n${fields}\r\nok`],
      ['a space before its first field', `HTTP/1.1 200 OK\r\n x-a: b\r\n${fields}\r\nok`],
      ['an empty line behind an interim response', `HTTP/1.1 100 Continue\r\n\r\n\r\n${answer('ok')}`],
      ['garbage behind an interim response', 'HTTP/1.1 100 Continue\r\n\r\ngarbage'],
      ['NUL in a value', `HTTP/1.1 200 OK\r\nx-a: b\0\r\n${fields}\r\nok`],
      ['CR in a value', `HTTP/1.1 200 OK\r\nx-a: b\rc\r\n${fields}\r\nok`],
      ['LF in a value', `HTTP/1.1 200 OK\r\nx-a: b\nset-cookie: c\r\n${fields}\r\nok`],
      ['a line without a colon', `HTTP/1.1 200 OK\r\nx-a b\r\n${fields}\r\nok`],
      ['an empty name', `HTTP/1.1 200 OK\r\n: b\r\n${fields}\r\nok`],
      ['a space before the colon', `HTTP/1.1 200 OK\r\nx-a : b\r\n${fields}\r\nok`],
      ['a space before the colon of its length', 'HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok'],
      ['a folded line', `HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\n${fields}\r\nok`],
      ['an unsolicited 101', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
    ])('is a bad gateway when it holds %s', async (_name, text) => {
      reply = text
      delivered = delivery
      const response = await exchangeRaw(stage.engine.port, 'GET /bad HTTP/1.1\r\nhost: a\r\n\r\n')
      expectProblem(response, 'bad-response')
      expect(header(response, 'connection')).toBeUndefined()
      await lastConnection?.closed()
      await expectStillServing(stage)
    })
  })

  test.each([
    ['a field of a megabyte', `HTTP/1.1 200 OK\r\nx-a: ${'b'.repeat(1_048_576)}\r\n${fields}\r\nok`],
    ['a status line of a megabyte', `HTTP/1.1 200 ${'O'.repeat(1_048_576)}\r\n${fields}\r\nok`],
    ['ten thousand fields', `HTTP/1.1 200 OK\r\n${'a:\r\n'.repeat(10_000)}${fields}\r\nok`],
    [
      'five thousand interim responses',
      `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(5000)}HTTP/1.1 200 OK\r\n${fields}\r\nok`,
    ],
  ])('a response with %s is a bad gateway', async (_name, text) => {
    reply = text
    delivered = 'in one piece'
    const client = await RawClient.connect(stage.engine.port)
    let response = await client.send('GET /bad HTTP/1.1\r\nhost: a\r\n\r\n').response()
    while (response.status < 200) response = await client.response()
    expectProblem(response, 'bad-response')
    client.destroy()
    await lastConnection?.closed()
    await expectStillServing(stage)
  })
})
