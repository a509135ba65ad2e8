import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { overEngines } from '../support/over-engines.ts'
import { RawClient } from '../support/raw-client.ts'
import { answer } from '../support/recording-origin.ts'
import {
  deliveries,
  deliver,
  expectCutOff,
  expectProblem,
  expectRefused,
  expectStillServing,
  type Stage,
} from '../support/stage.ts'

/** What may stand where CRLF has to. The first ones leave everything behind them as it has to be, were they let pass. */
const wrongEnds = ['\rX', '\n\n', '\0\n', 'X\n', '\n', '\r'] as const

const next = 'GET /next HTTP/1.1\r\nhost: a\r\n\r\n'
const post = (rest: string): string => `POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${rest}`

/** Places where CRLF has to be, each with what is before and behind it. Each is well-formed with CRLF. */
const requestHeads: readonly (readonly [place: string, before: string, behind: string])[] = [
  ['in front of a request', '', next],
  ['behind a request line', 'GET / HTTP/1.1', 'host: a\r\n\r\n'],
  ['behind a request line without fields', 'GET / HTTP/1.0', `\r\n${next}`],
  ['behind a field', 'GET / HTTP/1.1\r\nhost: a', 'x-b: c\r\n\r\n'],
  ['behind an empty field', 'GET / HTTP/1.1\r\nhost: a\r\nx-b:', 'x-c: d\r\n\r\n'],
  ['behind the last field', 'GET / HTTP/1.1\r\nhost: a', `\r\n${next}`],
  ['behind a head', 'GET / HTTP/1.1\r\nhost: a\r\n', next],
]

const chunks: typeof requestHeads = [
  ['behind a chunk size', '5', 'hello\r\n0\r\n\r\n'],
  ['behind a chunk extension', '5;a=b', 'hello\r\n0\r\n\r\n'],
  ['behind a quoted chunk extension', '5;a="b"', 'hello\r\n0\r\n\r\n'],
  ['behind chunk data', '5\r\nhello', '0\r\n\r\n'],
  ['behind chunk data, before another chunk', '5\r\nhello', '1\r\n!\r\n0\r\n\r\n'],
  ['behind the last size', '5\r\nhello\r\n0', '\r\n'],
  ['behind the last size, before a trailer', '5\r\nhello\r\n0', 'x-a: b\r\n\r\n'],
  ['behind the extension of the last chunk', '5\r\nhello\r\n0;a', '\r\n'],
  ['behind a chunked body', '5\r\nhello\r\n0\r\n', next],
  ['behind a trailer', '5\r\nhello\r\n0\r\nx-a: b', 'x-c: d\r\n\r\n'],
  ['behind the last trailer', '5\r\nhello\r\n0\r\nx-a: b', `\r\n${next}`],
  ['behind trailers', '5\r\nhello\r\n0\r\nx-a: b\r\n', next],
]

const responseHeads: typeof requestHeads = [
  ['behind a status line', 'HTTP/1.1 200 OK', 'content-length: 2\r\n\r\nok'],
  ['behind a status line without a reason', 'HTTP/1.1 200', 'content-length: 2\r\n\r\nok'],
  ['behind a status line without fields', 'HTTP/1.1 204 No Content', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
  ['behind a field of a response', 'HTTP/1.1 200 OK\r\ncontent-length: 2', 'x-a: b\r\n\r\nok'],
  ['behind the last field of a response', 'HTTP/1.1 200 OK\r\ncontent-length: 2', '\r\nok\r\n\r\n'],
  ['behind the head of a response', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n', 'ok\r\n\r\n'],
  ['behind an interim status line', 'HTTP/1.1 103 Early Hints', `link: x\r\n\r\n${answer('ok')}`],
  ['behind an interim head', 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n', answer('ok')],
]

/** Each place with each wrong end. */
const rows = (places: typeof requestHeads): [place: string, end: string, bytes: string][] =>
  places.flatMap(([place, before, behind]) =>
    wrongEnds.map((end): [string, string, string] => [place, JSON.stringify(end), before + end + behind]),
  )

overEngines(({ setStage }) => {
  let stage: Stage
  beforeAll(async () => {
    stage = await setStage()
  })
  afterAll(async () => stage.close())

  describe.each(deliveries)('delivered %s', (delivery) => {
    test.each(rows(requestHeads))('a line end %s that is %s is refused', async (_place, _end, bytes) => {
      await expectRefused(stage, bytes, 'bad-request', delivery)
    })

    test.each(rows(chunks))('a line end %s that is %s breaks the body', async (_place, _end, body) => {
      await expectCutOff(stage, post(body), 'bad-request', delivery)
    })

    test.each([
      ...requestHeads,
      ...chunks.map(([place, ...rest]) => [`${place}, of a chunked body`, ...rest] as const),
    ])('CRLF %s is taken', async (place, before, behind) => {
      const bytes = `${before}\r\n${behind}`
      const { origin, engine: running } = stage
      const known = origin.requests.length
      const client = await RawClient.connect(running.port)
      await deliver(client, place.endsWith('of a chunked body') ? post(bytes) : bytes, delivery)
      client.end()
      await client.rest()
      expect((await client.response()).status).toBe(200)
      expect(origin.requests.length).toBeGreaterThan(known)
      expect(origin.violations).toEqual([])
    })
  })

  test.each(wrongEnds)('a repeated request with %j in front is refused like the first', async (end) => {
    const client = await RawClient.connect(stage.engine.port)
    for (let i = 0; i < 4; i++) expect((await client.send(next).response()).body).toBe('/next')
    client.send(end + next)
    expectProblem(await client.response(), 'bad-request')
    expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
    client.destroy()
    await expectStillServing(stage)
  })

  describe.each(deliveries)('from an endpoint, delivered %s', (delivery) => {
    let reply = ''
    const outlier = {
      consecutiveFailures: 1e6,
      baseEjectionMs: 1,
      maxEjectionMs: 1,
      maxEjectedPercent: 0,
      successRate: null,
    }
    let bad: Stage
    beforeAll(async () => {
      bad = await setStage({ service: { outlier } }, ({ target, connection }) => {
        if (target !== '/bad') return answer(target)
        const { socket } = connection
        if (delivery === 'in one piece') return reply
        let at = 0
        const drip = (): void => {
          if (at < reply.length && !socket.destroyed)
            socket.write(reply.charAt(at++), 'latin1', () => setImmediate(drip))
        }
        drip()
        return undefined
      })
    })
    afterAll(async () => bad.close())

    test.each(rows(responseHeads))('a line end %s that is %s is a bad gateway', async (_place, _end, bytes) => {
      reply = bytes
      const client = await RawClient.connect(bad.engine.port)
      let response = await client.send('GET /bad HTTP/1.1\r\nhost: a\r\n\r\n').response()
      while (response.status < 200) response = await client.response()
      expectProblem(response, 'bad-response')
      client.destroy()
      await expectStillServing(bad)
    })

    test.each(rows(chunks))('a line end %s that is %s cuts the body visibly', async (_place, _end, body) => {
      reply = `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body}`
      const settled = bad.engine.settled.length
      const client = await RawClient.connect(bad.engine.port)
      await expect(client.send('GET /bad HTTP/1.1\r\nhost: a\r\n\r\n').response()).rejects.toThrow(
        'the connection ended',
      )
      expect((await bad.engine.settledAt(settled + 1)).failure).toBe('reset-in-body')
      client.destroy()
      await expectStillServing(bad)
    })

    test.each(responseHeads)('CRLF %s is taken', async (_place, before, behind) => {
      reply = `${before}\r\n${behind}`
      const client = await RawClient.connect(bad.engine.port)
      let response = await client.send('GET /bad HTTP/1.1\r\nhost: a\r\n\r\n').response()
      while (response.status < 200) response = await client.response()
      expect(response.status).toBeLessThan(300)
      client.destroy()
    })
  })
})
