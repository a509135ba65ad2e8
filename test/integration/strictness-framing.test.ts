import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Failure } from '../../src/core/failure.ts'
import { overEngines } from '../support/over-engines.ts'
import { canonical, deliveries, expectCutOff, expectForwarded, expectRefused, type Stage } from '../support/stage.ts'

const te = 'transfer-encoding: chunked\r\n'
const cl = 'content-length: 5\r\n'
const refused: readonly [name: string, lines: string, failure: Failure][] = [
  ['a length before chunked', cl + te, 'bad-request'],
  ['a length after chunked', te + cl, 'bad-request'],
  ['a length far from chunked', `${cl}x-a: b\r\n${te}x-c: d\r\n`, 'bad-request'],
  ['a length of 0 with chunked', `content-length: 0\r\n${te}`, 'bad-request'],
  ['identity', 'transfer-encoding: identity\r\n', 'bad-request'],
  ['xchunked', 'transfer-encoding: xchunked\r\n', 'bad-request'],
  ['chunkedx', 'transfer-encoding: chunkedx\r\n', 'bad-request'],
  ['cow', 'transfer-encoding: cow\r\n', 'bad-request'],
  ['chunk', 'transfer-encoding: chunk\r\n', 'bad-request'],
  ['an empty coding', 'transfer-encoding:\r\n', 'bad-request'],
  ['a length with identity', `transfer-encoding: identity\r\n${cl}`, 'bad-request'],
  ['a length with an empty coding', `${cl}transfer-encoding:\r\n`, 'bad-request'],
  ['chunked, identity', 'transfer-encoding: chunked, identity\r\n', 'bad-request'],
  ['chunked, gzip', 'transfer-encoding: chunked, gzip\r\n', 'bad-request'],
  ['chunked, chunked', 'transfer-encoding: chunked, chunked\r\n', 'bad-request'],
  ['gzip, chunked', 'transfer-encoding: gzip, chunked\r\n', 'not-implemented'],
  ['GZIP , Chunked', 'transfer-encoding: GZIP , Chunked\r\n', 'not-implemented'],
  ['gzip alone', 'transfer-encoding: gzip\r\n', 'bad-request'],
  ['chunked in two fields', te + te, 'bad-request'],
  ['gzip and chunked in two fields', `transfer-encoding: gzip\r\n${te}`, 'bad-request'],
  ['chunked and identity in two fields', `${te}transfer-encoding: identity\r\n`, 'bad-request'],
  ['a leading comma', 'transfer-encoding: ,chunked\r\n', 'bad-request'],
  ['a trailing comma', 'transfer-encoding: chunked,\r\n', 'bad-request'],
  ['a quoted coding', 'transfer-encoding: "chunked"\r\n', 'bad-request'],
  ['a coding with a parameter', 'transfer-encoding: chunked;x\r\n', 'bad-request'],
  ['two words', 'transfer-encoding: x chunked\r\n', 'bad-request'],
  ['a vertical tab before chunked', 'transfer-encoding: \x0bchunked\r\n', 'bad-request'],
  ['a form feed after chunked', 'transfer-encoding: chunked\x0c\r\n', 'bad-request'],
  ['NUL after chunked', 'transfer-encoding: chunked\0\r\n', 'bad-request'],
  ['a no-break space before chunked', 'transfer-encoding: \xa0chunked\r\n', 'bad-request'],
  ['a next-line character after chunked', 'transfer-encoding: chunked\x85\r\n', 'bad-request'],
  ['a no-break space behind a comma', 'transfer-encoding: gzip,\xa0chunked\r\n', 'bad-request'],
  ['two equal lengths', cl + cl, 'bad-request'],
  ['two different lengths', `${cl}content-length: 6\r\n`, 'bad-request'],
  ...[
    ['+5', '-5', '0x5', '5e0', '5.0', '5,5', '5, 5', '5x', 'x5', '5 5', '', '"5"', '5;', '\xb5', '5\xa0', '5\x0b'],
    ['9223372036854775808', '18446744073709551621', '10000000000000000000', '0'.repeat(40)],
  ]
    .flat()
    .map((length): [string, string, Failure] => [
      `the length ${JSON.stringify(length)}`,
      `content-length: ${length}\r\n`,
      'bad-request',
    ]),
]

overEngines(({ setStage }) => {
  let stage: Stage
  beforeAll(async () => {
    stage = await setStage()
  })
  afterAll(async () => stage.close())

  describe.each(deliveries)('framing delivered %s', (delivery) => {
    test.each(refused)('refuses %s', async (_name, lines, failure) => {
      const body = '5\r\nhello\r\n0\r\n\r\n'
      await expectRefused(stage, `POST / HTTP/1.1\r\nhost: a\r\n${lines}\r\n${body}`, failure, delivery)
    })

    test.each([
      ['a length', 'content-length: 5\r\n'],
      ['chunked', te],
      ['an unknown coding', 'transfer-encoding: cow\r\n'],
    ])('refuses HTTP/1.0 with chunked and keep-alive, and %s', async (_name, lines) => {
      const head = `POST / HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n${te}${lines}\r\n`
      await expectRefused(stage, `${head}5\r\nhello\r\n0\r\n\r\n`, 'bad-request', delivery)
    })

    test('refuses chunked in HTTP/1.0', async () => {
      await expectRefused(
        stage,
        `POST / HTTP/1.0\r\nhost: a\r\n${te}\r\n5\r\nhello\r\n0\r\n\r\n`,
        'bad-request',
        delivery,
      )
    })

    test.each(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST'])('frames the body of %s by its length', async (method) => {
      const wanted = canonical({ line: `${method} /sized`, carried: 'Content-Length: 5\r\n', body: 'hello' })
      const bytes = `${method} /sized HTTP/1.1\r\nhost: a\r\nContent-Length: 5\r\n\r\nhello`
      await expectForwarded(stage, bytes, wanted, delivery)
    })

    test.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])('frames the body of %s by its chunks', async (method) => {
      const wanted = canonical({
        line: `${method} /in-chunks`,
        added: 'transfer-encoding: chunked\r\n',
        body: '5\r\nhello\r\n0\r\n\r\n',
      })
      const head = `${method} /in-chunks HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`
      await expectForwarded(stage, `${head}5\r\nhello\r\n0\r\n\r\n`, wanted, 'in one piece')
    })

    test.each(['GET', 'HEAD', 'DELETE', 'POST'])('reads no body of %s without framing', async (method) => {
      const bytes = `${method} /bare HTTP/1.1\r\nhost: a\r\n\r\n`
      await expectForwarded(stage, bytes, canonical({ line: `${method} /bare` }), delivery)
    })

    test.each(['chunked', 'CHUNKED', 'Chunked \t', '\tchunked'])('takes the coding %j for chunked', async (coding) => {
      const wanted = canonical({
        line: 'POST /chunked',
        added: 'transfer-encoding: chunked\r\n',
        body: '5\r\nhello\r\n0\r\n\r\n',
      })
      const head = `POST /chunked HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: ${coding}\r\n\r\n`
      await expectForwarded(stage, `${head}5\r\nhello\r\n0\r\n\r\n`, wanted, 'in one piece')
    })

    test.each(['0', '00', '0000005'])('forwards the length %s as it came', async (length) => {
      const body = 'hello'.slice(0, Number(length))
      const carried = `content-length: ${length}\r\n`
      const bytes = `POST /zeros HTTP/1.1\r\nhost: a\r\n${carried}\r\n${body}`
      await expectForwarded(stage, bytes, canonical({ line: 'POST /zeros', carried, body }), delivery)
    })
  })

  test('refuses a body larger than the listener allows, by its length and by its chunks', async () => {
    const small = await setStage({ listener: { limits: { bodyBytes: 10 } } })
    const sized = `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\nhello world`
    await expectRefused(small, sized, 'body-too-large', 'in one piece')
    const chunks = `POST / HTTP/1.1\r\nhost: a\r\n${te}\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`
    await expectCutOff(small, chunks, 'body-too-large', 'in one piece')
    await expectCutOff(small, chunks, 'body-too-large', 'byte by byte')
    expect(small.engine.settled.filter(({ failure }) => failure === 'body-too-large')).toHaveLength(3)
    await small.close()
  })
})
