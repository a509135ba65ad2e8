import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { exchangeRaw } from '../support/raw-client.ts'
import { overEngines } from '../support/over-engines.ts'
import { canonical, deliveries, expectForwarded, expectRefused, type Stage } from '../support/stage.ts'

const refused: readonly [name: string, lines: string][] = [
  ['no Host', 'x-a: b\r\n'],
  ['no field at all', ''],
  ['two Hosts', 'host: a\r\nhost: b\r\n'],
  ['two equal Hosts', 'host: a\r\nhost: a\r\n'],
  ['two Hosts of different case', 'Host: a\r\nHOST: a\r\n'],
  ...[
    ['', 'a b', 'a,b', 'a@b', '@a', 'a/b', '/', 'a#b', 'a?b', 'a\\b', 'a%41', 'a\x80', 'a"b', '<a>', 'a..b', '.a'],
    ['a:x', 'a:+1', 'a:65536', 'a:80:80', 'a:-1', '[::1', '[::1]x', '[::1]:x', '[::g]', '[fe80::1%25eth0]', '::1'],
  ]
    .flat()
    .map((host): [string, string] => [`the Host ${JSON.stringify(host)}`, `host: ${host}\r\n`]),
]

overEngines(({ setStage }) => {
  let stage: Stage
  beforeAll(async () => {
    stage = await setStage({ routes: [{}, { host: 'inside.test', path: '/', id: 'inside', service: 'empty' }] })
  })
  afterAll(async () => stage.close())

  describe.each(deliveries)('a Host delivered %s', (delivery) => {
    test.each(refused)('refuses %s', async (_name, lines) => {
      await expectRefused(stage, `GET / HTTP/1.1\r\n${lines}\r\n`, 'bad-request', delivery)
    })

    test('refuses NUL in Host', async () => {
      await expectRefused(stage, 'GET / HTTP/1.1\r\nhost: a\0b\r\n\r\n', 'bad-request', delivery)
    })

    test.each(['A.Example', 'a:8080', 'a:', '[::1]', '[::1]:80', '127.0.0.1:1', 'a.', 'x_y'])(
      'forwards the Host %s as it came',
      async (host) => {
        const bytes = `GET /h HTTP/1.1\r\nHOST:${host}\r\n\r\n`
        await expectForwarded(stage, bytes, canonical({ line: 'GET /h', host }), delivery)
      },
    )

    test.each([
      ['http://b/x?y', 'b', '/x?y'],
      ['HTTP://B:81/x', 'B:81', '/x'],
      ['http://b', 'b', '/'],
      ['http://b?y', 'b', '/?y'],
      ['http://b/pub/../x', 'b', '/x'],
    ])('takes the authority of %s for Host and forwards the origin form', async (target, host, path) => {
      const bytes = `GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`
      await expectForwarded(stage, bytes, canonical({ line: `GET ${path}`, host }), delivery)
    })

    test.each(
      [
        ['http://user@b/', 'http://user:pass@b/', 'http://', 'http:///x', 'http://?x', 'http:/b', 'http:b', 'b:80'],
        ['http://b c/', 'http://b\\c/', 'http://b:x/', 'http://b/%2e%2e%2fx', 'ftp://b/', 'file:///x', 'javascript:x'],
      ].flat(),
    )('refuses the target %s', async (target) => {
      await expectRefused(stage, `GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`, 'bad-request', delivery)
    })

    test('refuses an absolute target whose Host field is missing, doubled or invalid', async () => {
      for (const lines of ['', 'host: a\r\nhost: a\r\n', 'host: a b\r\n', 'host: a@b\r\n'])
        await expectRefused(stage, `GET http://b/ HTTP/1.1\r\n${lines}\r\n`, 'bad-request', delivery)
    })
  })

  test('matches routes by the authority of an absolute target, not by the Host it replaces', async () => {
    const inside = await exchangeRaw(stage.engine.port, 'GET http://Inside.Test:80/ HTTP/1.1\r\nhost: a\r\n\r\n')
    expect(header(inside, 'x-tidegate-error')).toBe('no-endpoint')
    const outside = await exchangeRaw(stage.engine.port, 'GET http://a/ HTTP/1.1\r\nhost: inside.test\r\n\r\n')
    expect(outside.status).toBe(200)
  })

  test('names the endpoint itself in Host where HTTP/1.0 sent none', async () => {
    const { engine, origin } = stage
    expect((await exchangeRaw(engine.port, 'GET /no-host HTTP/1.0\r\n\r\n')).status).toBe(200)
    const request = origin.requests.at(-1)
    expect(request && header(request, 'host')).toBe(`127.0.0.1:${origin.port}`)
    expect(request && header(request, 'x-forwarded-host')).toBeUndefined()
  })
})
