import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Failure } from '../../src/core/failure.ts'
import { overEngines } from '../support/over-engines.ts'
import { canonical, deliveries, expectForwarded, expectRefused, type Stage } from '../support/stage.ts'

const refused: readonly [name: string, line: string, failure: Failure][] = [
  ['an HTTP/0.9 request with a field', 'GET /', 'bad-request'],
  ['a request line that ends in a space', 'GET / ', 'bad-request'],
  ['a version in lower case', 'GET / http/1.1', 'bad-request'],
  ['a version of another protocol', 'GET / ICY/1.1', 'bad-request'],
  ['HTTP/1.2', 'GET / HTTP/1.2', 'version'],
  ['HTTP/2.0', 'GET / HTTP/2.0', 'version'],
  ['HTTP/0.9 by name', 'GET / HTTP/0.9', 'version'],
  ['HTTP/10.1', 'GET / HTTP/10.1', 'bad-request'],
  ['HTTP/+1.1', 'GET / HTTP/+1.1', 'bad-request'],
  ['HTTP/1.', 'GET / HTTP/1.', 'bad-request'],
  ['HTTP/1.10', 'GET / HTTP/1.10', 'bad-request'],
  ['HTTP/1,1', 'GET / HTTP/1,1', 'bad-request'],
  ['HTTP/1.1 and a space', 'GET / HTTP/1.1 ', 'bad-request'],
  ['HTTP/1.1 and a word', 'GET / HTTP/1.1 x', 'bad-request'],
  ['two spaces after the method', 'GET  / HTTP/1.1', 'bad-request'],
  ['two spaces after the target', 'GET /  HTTP/1.1', 'bad-request'],
  ['a tab after the method', 'GET\t/ HTTP/1.1', 'bad-request'],
  ['a tab after the target', 'GET /\tHTTP/1.1', 'bad-request'],
  ['a leading space', ' GET / HTTP/1.1', 'bad-request'],
  ['a space inside the target', 'GET /a b HTTP/1.1', 'bad-request'],
  ['a control character in the target', 'GET /a\x01b HTTP/1.1', 'bad-request'],
  ['NUL in the target', 'GET /a\0b HTTP/1.1', 'bad-request'],
  ['CR in the target', 'GET /a\rb HTTP/1.1', 'bad-request'],
  ['LF in the target', 'GET /a\nb HTTP/1.1', 'bad-request'],
  ['DEL in the target', 'GET /a\x7fb HTTP/1.1', 'bad-request'],
  ['a high byte in the target', 'GET /a\xffb HTTP/1.1', 'bad-request'],
  ['a fragment', 'GET /a#b HTTP/1.1', 'bad-request'],
  ['a fragment in the query', 'GET /a?b#c HTTP/1.1', 'bad-request'],
  ['no target', 'GET HTTP/1.1', 'bad-request'],
  ['no method', '/ HTTP/1.1', 'bad-request'],
  ['a target without a slash', 'GET index.html HTTP/1.1', 'bad-request'],
  ['an asterisk with GET', 'GET * HTTP/1.1', 'bad-request'],
  ['a delimiter in the method', 'GE(T / HTTP/1.1', 'bad-request'],
  ['a colon in the method', 'GET: / HTTP/1.1', 'bad-request'],
  ['a quote in the method', '"GET" / HTTP/1.1', 'bad-request'],
  ['NUL in the method', 'GE\0T / HTTP/1.1', 'bad-request'],
  ['a high byte in the method', 'G\xcbT / HTTP/1.1', 'bad-request'],
  ['a method of 33 letters', `${'M'.repeat(33)} / HTTP/1.1`, 'bad-request'],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1', 'method-refused'],
  ['TRACE', 'TRACE / HTTP/1.1', 'method-refused'],
]

overEngines(({ setStage }) => {
  let stage: Stage
  beforeAll(async () => {
    // Where an engine waits for more of a head it is seen soon.
    stage = await setStage({ listener: { timeouts: { headMs: 2000 } } })
  })
  afterAll(async () => stage.close())

  describe.each(deliveries)('a request line delivered %s', (delivery) => {
    test.each(refused)('refuses %s', async (_name, line, failure) => {
      await expectRefused(stage, `${line}\r\nhost: a\r\n\r\n`, failure, delivery)
    })

    test.each([
      ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'version'],
      ['a TLS hello', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 'bad-request'],
      ['binary', '\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10', 'bad-request'],
      ['lines that end in LF alone', 'GET / HTTP/1.1\nhost: a\n\n', 'bad-request'],
      ['one line that ends in LF alone', 'GET / HTTP/1.1\nhost: a\r\n\r\n', 'bad-request'],
      ['lines that end in CR alone', 'GET / HTTP/1.1\rhost: a\r\r\n\r\n', 'bad-request'],
      ['two empty lines in front', '\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n', 'bad-request'],
      ['an empty line that ends in LF alone', '\nGET / HTTP/1.1\r\nhost: a\r\n\r\n', 'bad-request'],
    ] as const)('refuses %s', async (_name, bytes, failure) => {
      await expectRefused(stage, bytes, failure, delivery)
    })

    test('ignores one empty line in front of a request', async () => {
      const wanted = canonical({ line: 'GET /after-empty-line' })
      await expectForwarded(stage, '\r\nGET /after-empty-line HTTP/1.1\r\nhost: a\r\n\r\n', wanted, delivery)
    })

    test.each(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND', 'M-SEARCH', 'get', 'X'.repeat(32)])(
      'forwards the method %s as it came',
      async (method) => {
        const wanted = canonical({ line: `${method} /x?y=%00` })
        await expectForwarded(stage, `${method} /x?y=%00 HTTP/1.1\r\nhost: a\r\n\r\n`, wanted, delivery)
      },
    )

    test('forwards a request of HTTP/1.0 as HTTP/1.1', async () => {
      await expectForwarded(stage, 'GET /old HTTP/1.0\r\nhost: a\r\n\r\n', canonical({ line: 'GET /old' }), delivery)
    })
  })

  test('refuses 50,000 empty lines', async () => {
    await expectRefused(stage, '\r\n'.repeat(50_000), 'bad-request', 'in one piece')
  })

  test('refuses a target of 64 KiB as too long', async () => {
    await expectRefused(stage, `GET /${'x'.repeat(65_536)} HTTP/1.1\r\nhost: a\r\n\r\n`, 'uri-too-long', 'in one piece')
  })

  describe.each(deliveries)('a request of HTTP/0.9 delivered %s', (delivery) => {
    test.each(['GET /\r\n', 'GET / \r\n', 'GET\r\n'])('is refused at its line end: %j', async (bytes) => {
      await expectRefused(stage, bytes, 'bad-request', delivery)
    })
  })
})
