import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RawClient } from '../support/raw-client.ts'
import { overEngines } from '../support/over-engines.ts'
import { canonical, deliveries, expectForwarded, expectRefused, type Stage } from '../support/stage.ts'

const chunked = '0\r\n\r\n'

const refused: readonly [name: string, lines: string][] = [
  ['a space before the colon', 'x-a : b'],
  ['a tab before the colon', 'x-a\t: b'],
  ['a space before the colon of a framing field', 'content-length : 0'],
  ['a space inside a name', 'transfer encoding: chunked'],
  ['a vertical tab before the colon', 'x-a\x0b: b'],
  ['a high byte before the colon', 'x-a\xa0: b'],
  ['an empty name', ': b'],
  ['a line without a colon', 'x-a b'],
  ['a name alone', 'x-a'],
  ['NUL in a name', 'x-\0a: b'],
  ['a high byte in a name', 'x-\xe9: b'],
  ['NUL in a value', 'x-a: b\0c'],
  ['CR in a value', 'x-a: b\rc'],
  ['CR before another field', 'x-a: b\rtransfer-encoding: chunked'],
  ['LF before another field', 'x-a: b\ntransfer-encoding: chunked'],
  ['LF in a value', 'x-a: b\nc'],
  ['CR before the end of a line', 'x-a: b\r\r\nx-b: c'],
  ['BEL in a value', 'x-a: \x07'],
  ['DEL in a value', 'x-a: \x7f'],
  ['a folded line', 'x-a: b\r\n c'],
  ['a line folded with a tab', 'x-a: b\r\n\tc'],
  ['a folded Transfer-Encoding', 'transfer-encoding:\r\n chunked'],
  ['a folded line that is blank', 'x-a: b\r\n \r\nx-b: c'],
  ...'(),/;<=>?@[\\]{}"'
    .split('')
    .map((delimiter): [string, string] => [`${delimiter} in a name`, `x${delimiter}a: b`]),
]

overEngines(({ setStage }) => {
  let stage: Stage
  beforeAll(async () => {
    stage = await setStage()
  })
  afterAll(async () => stage.close())

  describe.each(deliveries)('fields delivered %s', (delivery) => {
    test.each(refused)('refuses %s', async (_name, lines) => {
      await expectRefused(stage, `POST / HTTP/1.1\r\nhost: a\r\n${lines}\r\n\r\n${chunked}`, 'bad-request', delivery)
    })

    test.each([
      ['a folded line as the first field', ' x-a: b\r\nhost: a'],
      ['a blank line with a space before the first field', ' \r\nhost: a'],
      ['a tab before the first field', '\tx-a: b\r\nhost: a'],
    ])('refuses %s', async (_name, lines) => {
      await expectRefused(stage, `GET / HTTP/1.1\r\n${lines}\r\n\r\n`, 'bad-request', delivery)
    })

    test('carries values with tabs and high bytes, and names with an underscore, as they came', async () => {
      const carried = 'X-Mixed_Case:  a\tb\xe9 \r\nx-empty:\r\nx-empty-too: \t \r\n'
      const wanted = canonical({ line: 'GET /carried', carried })
      await expectForwarded(stage, `GET /carried HTTP/1.1\r\nhost: a\r\n${carried}\r\n`, wanted, delivery)
    })

    test('carries names that are near those of framing and are none', async () => {
      const carried =
        'Transfer--Encoding: chunked\r\nTransferEncoding: chunked\r\nContent-Lengt: 5\r\nContent-Lengths: 5\r\n'
      const wanted = canonical({ line: 'POST /near', carried })
      await expectForwarded(stage, `POST /near HTTP/1.1\r\nhost: a\r\n${carried}\r\n`, wanted, delivery)
    })

    test.each([
      'Transfer_Encoding: chunked',
      'Content_Length: 5',
      'X_Forwarded_For: 6.6.6.6',
      'Host_: b'.replace('_', '_'),
    ])('drops the underscore twin in %s', async (line) => {
      const carried = line.startsWith('Host_') ? `${line}\r\n` : ''
      const wanted = canonical({ line: 'GET /twin', carried })
      await expectForwarded(stage, `GET /twin HTTP/1.1\r\nhost: a\r\n${line}\r\n\r\n`, wanted, delivery)
    })
  })

  const everyByte = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))

  test.each(everyByte.filter((byte) => !/[!#$%&'*+.^_`|~\dA-Za-z:-]/.test(byte)))(
    'refuses %j before the colon of a framing field',
    async (byte) => {
      const lines = `content-length${byte}: 5\r\n`
      await expectRefused(stage, `POST / HTTP/1.1\r\nhost: a\r\n${lines}\r\nhello`, 'bad-request', 'in one piece')
    },
  )

  test.each(everyByte.filter((byte) => /[^\t -~\x80-\xff]/.test(byte)))('refuses %j in a value', async (byte) => {
    const bytes = `POST / HTTP/1.1\r\nhost: a\r\nx-a: b${byte}c\r\ncontent-length: 5\r\n\r\nhello`
    await expectRefused(stage, bytes, 'bad-request', 'in one piece')
  })

  test('refuses a head of 256 KiB', async () => {
    const lines = `x-long: ${'x'.repeat(262_144)}\r\n`
    await expectRefused(stage, `GET / HTTP/1.1\r\nhost: a\r\n${lines}\r\n`, 'headers-too-large', 'in one piece')
  })

  test('refuses 10,000 fields', async () => {
    await expectRefused(
      stage,
      `GET / HTTP/1.1\r\nhost: a\r\n${'a:\r\n'.repeat(10_000)}\r\n`,
      'headers-too-large',
      'in one piece',
    )
  })

  test('takes as many fields as the listener allows, and refuses one more', async () => {
    const carried = 'a:\r\n'.repeat(99)
    const start = 'GET /count HTTP/1.1\r\nhost: a\r\n'
    await expectForwarded(stage, `${start}${carried}\r\n`, canonical({ line: 'GET /count', carried }), 'in one piece')
    await expectRefused(stage, `${start}${carried}b:\r\n\r\n`, 'headers-too-large', 'in one piece')
  })

  describe('at the limit of a head', () => {
    const start = 'GET /limit HTTP/1.1\r\nhost: a\r\n'
    const fill = (bytes: number): string => `x-fill: ${'f'.repeat(bytes - start.length - 8)}\r\n`
    const limit = 16_384

    test.each([0, 1, 2, 3, 4, 5])('takes a head of exactly that size whose last %i bytes come later', async (late) => {
      const { engine, origin } = stage
      const head = `\r\n${start}${fill(limit)}\r\n`
      const client = await RawClient.connect(engine.port)
      await client.sendPieces([head.slice(0, head.length - late), head.slice(head.length - late)])
      expect((await client.response()).status).toBe(200)
      client.destroy()
      expect(origin.requests.at(-1)?.raw).toContain(fill(limit))
    })

    test('refuses a head of one byte more', async () => {
      await expectRefused(stage, `${start}${fill(limit + 1)}\r\n`, 'headers-too-large', 'in one piece')
    })
  })
})
