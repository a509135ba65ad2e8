import { once } from 'node:events'
import { constants } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { TimerWheel } from '../../src/util/timer-wheel.ts'
import { Authority } from '../support/certificates.ts'
import { clientHello } from '../support/client-hello.ts'
import type { Engine, EngineOptions } from '../support/engine.ts'
import { useFlow } from '../support/flow.ts'
import { header } from '../support/http-message.ts'
import { listenerTls } from '../support/listener-tls.ts'
import { metered } from '../support/metered.ts'
import { expectProblem } from '../support/stage.ts'

const flow = useFlow()
const authority = Authority.create('hostile')
// Two of them, so that the name that a client asks for is looked at.
const tls = listenerTls([authority.issue({ names: ['edge.test'] }), authority.issue({ names: ['other.test'] })])
const get = 'GET / HTTP/1.1\r\nhost: edge.test\r\n\r\n'
const name = Buffer.from('edge.test')
const [handshakeRecord, alertRecord] = ['\x16', '\x15']

async function serve(listener: EngineOptions['listener'] = {}): Promise<Engine> {
  const origin = await flow.rawOrigin()
  return flow.engine({ origins: [origin], listener: { ...listener, tls } })
}

async function expectStillServing(engine: Engine): Promise<void> {
  const { client } = await flow.tlsClient(engine, { ca: authority.cert })
  expect((await client.send(get).response()).body).toBe('/')
}

const engines = ['fast', 'standard'] as const

describe.each(engines)('a connection that is no handshake (%s)', (engine) => {
  test.each<[string, Buffer]>([
    ['garbage', Buffer.from('\0\x01\x02garbage\xff'.repeat(50), 'latin1')],
    ['an SSH client', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
    ['a record of an unknown type', Buffer.from([99, 3, 1, 0, 5, 1, 2, 3, 4, 5])],
    [
      'a record that is longer than any may be',
      Buffer.concat([Buffer.from([22, 3, 1, 0xff, 0xff]), Buffer.alloc(70_000)]),
    ],
    ['a message that is longer than any may be', Buffer.from([22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff])],
    [
      'a megabyte of empty records',
      Buffer.concat(Array.from({ length: 200_000 }, () => Buffer.from([22, 3, 1, 0, 0]))),
    ],
    [
      'a ClientHello that is cut in its records and followed by garbage',
      Buffer.concat([clientHello({ serverName: name }).subarray(0, 60), Buffer.alloc(3000, 7)]),
    ],
    ['data before any handshake', Buffer.from([23, 3, 3, 0, 5, 1, 2, 3, 4, 5])],
    ['a name with a NUL in it', clientHello({ serverName: Buffer.from('edge.test\0.evil') })],
    ['a name of ten thousand bytes', clientHello({ serverName: Buffer.alloc(10_000, 'a') })],
  ])('ends for %s, and nothing else does', async (_, bytes) => {
    const running = await serve({ engine })
    const handshakes = metered('handshake')
    const client = await flow.client(running)
    client.send(bytes)
    const { text } = await client.rest()
    expect(text === '' || text.startsWith(alertRecord)).toBe(true)
    client.destroy()
    await handshakes.until('edge', 'failed')
    expect(handshakes.calls).toHaveLength(1)
    await expectStillServing(running)
  })

  test.each<[string, Buffer]>([
    ['no ASCII', Buffer.from('ëdgë.tést', 'utf8')],
    ['dots alone', Buffer.from('...')],
    ['a property of every object', Buffer.from('__proto__')],
    ['a wildcard', Buffer.from('*.test')],
    ['255 bytes long', Buffer.alloc(255, 'a')],
  ])('is one all the same for a name that is %s: it gets the first certificate', async (_, serverName) => {
    const running = await serve({ engine })
    const client = await flow.client(running)
    client.send(clientHello({ serverName }))
    await client.bytes(1)
    expect(client.received[0]).toBe(handshakeRecord)
    client.destroy()
    await expectStillServing(running)
  })

  test('is one all the same where it comes byte by byte, in records of three bytes', async () => {
    const running = await serve({ engine })
    const client = await flow.client(running)
    const hello = clientHello({ serverName: name, recordBytes: 3 })
    await client.sendPieces([...hello].map((byte) => Buffer.from([byte])))
    await client.bytes(1)
    expect(client.received[0]).toBe(handshakeRecord)
  })

  test('gets an answer in plain text where it is a plain request', async () => {
    const running = await serve({ engine })
    const client = await flow.client(running)
    const response = await client.send(get).response()
    expectProblem(response, 'bad-request')
    expect(header(response, 'connection')).toBe('close')
    expect((await client.rest()).text).toBe('')
    await expectStillServing(running)
  })

  test.each(['end', 'reset'] as const)('ends when the client does in the middle (%s)', async (how) => {
    const running = await serve({ engine })
    const handshakes = metered('handshake')
    const client = await flow.client(running)
    await client.sendPieces([clientHello({ serverName: name }).subarray(0, 50)])
    client[how]()
    await handshakes.until('edge', 'failed')
    await expectStillServing(running)
  })

  test('is counted as nothing where nothing came', async () => {
    const running = await serve({ engine })
    const handshakes = metered('handshake')
    const connections = metered('connections')
    const client = await flow.client(running)
    client.end()
    await connections.until('edge', -1)
    expect(handshakes.calls).toEqual([])
  })
})

describe('the time for the first head', () => {
  test.each(engines)('is up for a handshake that does not go on: closed without an answer (%s)', async (engine) => {
    const running = await serve({ engine, timeouts: { headMs: 100 } })
    for (const bytes of [Buffer.alloc(0), clientHello({ serverName: name }).subarray(0, 50)]) {
      const client = await flow.client(running)
      client.send(bytes)
      expect((await client.rest()).text).toBe('')
    }
  })

  test.each(engines)('is up for a head that does not come behind its handshake (%s)', async (engine) => {
    // Enough for a handshake.
    const running = await serve({ engine, timeouts: { headMs: 500 } })
    const { client } = await flow.tlsClient(running, { ca: authority.cert })
    expect(await client.rest()).toEqual({ text: '', ending: 'fin' })
    const { client: slow } = await flow.tlsClient(running, { ca: authority.cert })
    expectProblem(await slow.send('GET / HT').response(), 'request-timeout')
  })

  test.each(engines)('begins once, when the connection is accepted (%s)', async (engine) => {
    const headMs = 10_007
    const running = await serve({ engine, timeouts: { headMs } })
    const armed = vi.spyOn(TimerWheel.prototype, 'arm')
    const { client } = await flow.tlsClient(running, { ca: authority.cert })
    await client.sendPieces(['GET / HT', 'TP/1.1\r\nho'])
    expect((await client.send('st: a\r\n\r\n').response()).status).toBe(200)
    const times = armed.mock.calls.map(([, ms]) => ms).filter((ms) => ms > headMs - 5000 && ms <= headMs)
    armed.mockRestore()
    expect(times[0]).toBe(headMs)
    expect(times.slice(1).every((ms) => ms < headMs)).toBe(true)
    expect(times).toHaveLength(2)
  })
})

describe('limits', () => {
  test.each(engines)('count a connection before its handshake (%s)', async (engine) => {
    const running = await serve({ engine, limits: { connections: 1 } })
    const failures = metered('failed')
    const connections = metered('connections')
    const first = await flow.client(running)
    const second = await flow.client(running)
    expect((await second.rest()).text).toBe('')
    await failures.until('overloaded')
    first.destroy()
    await connections.until('edge', -1)
    await expectStillServing(running)
  })
})

test.each(engines)('a client may not renegotiate (%s)', async (engine) => {
  const running = await serve({ engine })
  const { client, secured } = await flow.tlsClient(running, {
    ca: authority.cert,
    maxVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
  })
  expect((await client.send(get).response()).status).toBe(200)
  const errors = once(secured, 'error')
  secured.renegotiate({ rejectUnauthorized: true }, () => {})
  expect(await errors).toMatchObject([{ code: 'ERR_SSL_NO_RENEGOTIATION' }])
  await expectStillServing(running)
})

test.each(engines)('a handshake that does not go on holds up no drain (%s)', async (engine) => {
  const running = await serve({ engine })
  const connections = metered('connections')
  const client = await flow.client(running)
  client.send(clientHello({ serverName: name }).subarray(0, 50))
  await connections.until('edge', 1)
  expect(await running.drain(20_000)).toBe(0)
  expect((await client.rest()).text).toBe('')
})

describe.each(engines)('a body that ends with its connection (%s)', (engine) => {
  test.each(['with a word (close_notify)', 'without'])('%s is an abort', async (how) => {
    const running = await serve({ engine })
    const { client } = await flow.tlsClient(running, { ca: authority.cert })
    client.send('POST / HTTP/1.1\r\nhost: edge.test\r\ncontent-length: 10\r\n\r\nhalf')
    if (how === 'without') client.destroy()
    else client.end()
    expect(await running.settledAt(1)).toMatchObject({ status: 499, failure: 'client-abort' })
    await expectStillServing(running)
  })
})
