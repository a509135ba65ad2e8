import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { RawClient } from '../support/raw-client.ts'
import { overEngines } from '../support/over-engines.ts'
import { deliver, deliveries, expectCutOff, expectStillServing, type Stage } from '../support/stage.ts'

const head = 'POST /chunks HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n'
const end = '0\r\n\r\n'

/** What is no trailer (RFC 9110 section 6.5.1), or is not for an endpoint to believe when it comes from a client. */
const noTrailers = [
  ['authorization', 'cookie', 'set-cookie', 'trailer', 'content-encoding', 'content-type', 'content-range', 'range'],
  ['cache-control', 'max-forwards', 'age', 'date', 'expires', 'location', 'retry-after', 'vary', 'www-authenticate'],
  ['host', 'te', 'expect', 'proxy', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'proxy-authenticate'],
  ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-prefix', 'forwarded'],
  ['x-real-ip', 'x-request-id', 'x-forwarded-client-cert', 'x_forwarded_for', 'content_length', 'http2-settings'],
].flat()

const refused: readonly [name: string, body: string][] = [
  ...['0x5', '+5', '-5', '0_5', '5z', '5 z', '', ';', ' 5', '5 ', '5\t', '\t5', '5,5', '5.', 'g'].map(
    (size): [string, string] => [`the chunk size ${JSON.stringify(size)}`, `${size}\r\nhello\r\n${end}`],
  ),
  ['a size of 2^64 + 5', `10000000000000005\r\nhello\r\n${end}`],
  ['a size of 2^64 - 1', `ffffffffffffffff\r\nhello\r\n${end}`],
  ['a size of 17 digits', `00000000000000005\r\nhello\r\n${end}`],
  ['a size of 14 digits', `10000000000000\r\nhello\r\n${end}`],
  ['data without CRLF', `5\r\nhello${end}`],
  ['data longer than its size', `5\r\nhellox\r\n${end}`],
  ['data shorter than its size', `6\r\nhello\r\n${end}`],
  ['LF after a size', `5\nhello\r\n${end}`],
  ['CR after a size', `5\rhello\r\n${end}`],
  ['LF after data', `5\r\nhello\n${end}`],
  ['CR after data', `5\r\nhello\r${end}`],
  ['LF CR after data', `5\r\nhello\n\r${end}`],
  ['LF in an extension', `5;a\nhello\r\n${end}`],
  ['CR in an extension', `5;a\rb\r\nhello\r\n${end}`],
  ['LF after the last size', '0\n\r\n'],
  ['CR after the last size', '0\r\r\n\r\n'],
  ['LF instead of the last line', '0\r\n\n'],
  ['CR instead of the last line', '0\r\n\rGET / HTTP/1.1\r\n\r\n'],
  ['CR instead of the last line, and nothing behind', '0\r\n\rX'],
  ['LF behind a trailer, and nothing more', '0\r\nx-a: b\n'],
  ['NUL in an extension', `5;\0\r\nhello\r\n${end}`],
  ['a control character in an extension', `5;\x01\r\nhello\r\n${end}`],
  ['a high byte in an extension', `5;\x80\r\nhello\r\n${end}`],
  ['an extension over 256 bytes', `5;${'x'.repeat(256)}\r\nhello\r\n${end}`],
  ['an extension without a name', `5;\r\nhello\r\n${end}`],
  ['an extension that is a space', `5; \r\nhello\r\n${end}`],
  ['an extension without a value', `5;a=\r\nhello\r\n${end}`],
  ['an extension with an open quote', `5;a="b\r\nhello\r\n${end}`],
  ['an extension with a bad name', `5;a,b\r\nhello\r\n${end}`],
  ['a space before an extension', `5 ;x\r\nhello\r\n${end}`],
  ['a trailer without a colon', '0\r\nx-a b\r\n\r\n'],
  ['a trailer with a bad name', '0\r\nx a: b\r\n\r\n'],
  ['a trailer without a name', '0\r\n: b\r\n\r\n'],
  ['a folded trailer', '0\r\nx-a: b\r\n c\r\n\r\n'],
  ['a space before the first trailer', '0\r\n x-a: b\r\n\r\n'],
  ['CR in a trailer', '0\r\nx-a: b\rc\r\n\r\n'],
  ['LF after a trailer', '0\r\nx-a: b\nx-c: d\r\n\r\n'],
  ['NUL in a trailer', '0\r\nx-a: \0\r\n\r\n'],
]

overEngines(({ setStage }) => {
  let stage: Stage
  beforeAll(async () => {
    // Where an engine waits for data without end it is seen soon.
    stage = await setStage({ listener: { timeouts: { bodyMs: 2000 } } })
  })
  afterAll(async () => stage.close())

  describe.each(deliveries)('a chunked body delivered %s', (delivery) => {
    test.each(refused)('refuses %s', async (_name, body) => {
      await expectCutOff(stage, head + body, 'bad-request', delivery)
    })

    test.each([
      ['sizes in upper case', 'A\r\n0123456789\r\n', '0123456789'],
      ['leading zeros', `${'0'.repeat(15)}5\r\nhello\r\n`, 'hello'],
      ['extensions', '5;a=b;c="d; \\\\ \\"e";f\r\nhello\r\n1;x\r\n!\r\n', 'hello!'],
      ['an extension of 256 bytes', `5;${'x'.repeat(255)}\r\nhello\r\n`, 'hello'],
      ['data that looks like framing', '7\r\n0\r\n\r\n\r\n\r\n', '0\r\n\r\n\r\n'],
    ])('forwards %s in canonical chunks', async (_name, chunks, body) => {
      const { engine, origin } = stage
      const before = origin.requests.length
      const client = await RawClient.connect(engine.port)
      await deliver(client, head + chunks + end, delivery)
      expect((await client.response()).status).toBe(200)
      client.destroy()
      const requests = origin.requests.slice(before)
      expect(requests.map((request) => [request.framing, request.body])).toEqual([['chunked', body]])
      expect(requests[0]?.raw).not.toContain(';a')
      expect(origin.violations).toEqual([])
      await expectStillServing(stage)
    })

    test('drops trailers that frame, route or authenticate, and forwards the rest', async () => {
      const { engine, origin } = stage
      const trailers = [
        'content-length: 5\r\ntransfer-encoding: chunked\r\nhost: evil\r\nauthorization: x\r\nConnection: close\r\n',
        'x-forwarded-for: 6.6.6.6\r\nte: trailers\r\nCookie: a\r\nX-Sum:  17 \r\ncontent_length: 3\r\n',
      ].join('')
      const client = await RawClient.connect(engine.port)
      await deliver(client, `${head}2\r\nhi\r\n0\r\n${trailers}\r\n`, delivery)
      expect((await client.response()).status).toBe(200)
      client.destroy()
      const request = origin.requests.at(-1)
      expect(request?.trailers).toEqual([['X-Sum', '17']])
      expect(request && header(request, 'host')).toBe('a')
      expect(request && header(request, 'x-sum')).toBeUndefined()
      await expectStillServing(stage)
    })
  })

  test.each(noTrailers)('drops the trailer %s', async (name) => {
    const { engine, origin } = stage
    const client = await RawClient.connect(engine.port)
    const lines = `x-before: 1\r\n${name}: x\r\n${name.toUpperCase()}: x\r\nx-behind: 2\r\n`
    expect((await client.send(`${head}2\r\nhi\r\n0\r\n${lines}\r\n`).response()).status).toBe(200)
    client.destroy()
    expect(origin.requests.at(-1)?.trailers).toEqual([
      ['x-before', '1'],
      ['x-behind', '2'],
    ])
  })

  test('refuses a megabyte of leading zeros', async () => {
    await expectCutOff(stage, `${head}${'0'.repeat(1_048_576)}5\r\nhello\r\n${end}`, 'bad-request', 'in one piece')
  })

  test('refuses extensions that are short each and endless together', async () => {
    const chunks = `1;${'x'.repeat(200)}\r\n!\r\n`.repeat(100)
    await expectCutOff(stage, `${head}${chunks}${end}`, 'bad-request', 'in one piece')
  })

  test('refuses endless trailers', async () => {
    await expectCutOff(stage, `${head}0\r\n${'x-a: b\r\n'.repeat(4000)}\r\n`, 'bad-request', 'in one piece')
  })
})
