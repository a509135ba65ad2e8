import { describe, expect, test } from 'vitest'
import type { EngineName } from '../../src/core/snapshot.ts'
import type { EngineOptions } from '../support/engine.ts'
import { useFlow } from '../support/flow.ts'
import { header } from '../support/http-message.ts'
import { type Probe, startProbe } from '../support/probe.ts'
import type { RawClient } from '../support/raw-client.ts'
import { answer, type RecordingOrigin } from '../support/recording-origin.ts'

const flow = useFlow()
const get = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const engines: readonly EngineName[] = ['fast', 'standard']
/** From its connection on, a client of a crowd has said its first within this, on a busy machine too. */
const longEnoughMs = 2000

describe.each(engines)('engine: %s serves the others while', (engineName) => {
  /** An engine, its origin, and a client that is served by them the whole time. */
  async function stage(listener: EngineOptions['listener'] = {}) {
    const origin = await flow.rawOrigin(({ target, body }) => answer(target === '/probe' ? 'ok' : body))
    const engine = await flow.engine({ origins: [origin], listener: { ...listener, engine: engineName } })
    const probe = await startProbe(engine.port)
    const crowd = async (size: number): Promise<RawClient[]> =>
      Promise.all(Array.from({ length: size }, async () => flow.client(engine)))
    return { origin, engine, probe, crowd }
  }

  test('200 clients send a head that never ends: each is 408', async () => {
    const { engine, origin, probe, crowd } = await stage({ timeouts: { headMs: longEnoughMs } })
    const clients = await crowd(200)
    for (const client of clients) client.send('GET / HTTP/1.1\r\nhost: a\r\nx-slow: ')
    const dripping = setInterval(() => clients.forEach((client) => client.send('x')), 50)
    flow.defer(() => clearInterval(dripping))

    const responses = await Promise.all(clients.map(async (client) => client.response()))
    clearInterval(dripping)

    expect(new Set(responses.map((response) => header(response, 'x-tidegate-error')))).toEqual(
      new Set(['request-timeout']),
    )
    expect(new Set(await endings(clients))).toEqual(new Set(['fin']))
    await expectServed(probe)
    expect(strangers(origin)).toBe(0)
    expect(engine.settled.filter(({ status }) => status === 408)).toHaveLength(200)
  })

  test('200 clients stop in the middle of their body: each is 408, and its endpoint is let go', async () => {
    const { origin, probe, crowd } = await stage({ timeouts: { bodyMs: 300 } })
    const clients = await crowd(200)
    for (const client of clients) client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc')

    const responses = await Promise.all(clients.map(async (client) => client.response()))

    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([408]))
    await expectServed(probe)
    expect(strangers(origin)).toBe(0)
    await Promise.all(origin.connections.filter(({ unread }) => unread !== '').map(async (half) => half.closed()))
  })

  test('200 clients ask for nothing: each is closed without a word', async () => {
    const { engine, probe, crowd } = await stage({ timeouts: { headMs: longEnoughMs, idleMs: 300 } })
    const clients = await crowd(200)
    await Promise.all(clients.slice(100).map(async (client) => client.send(get).response()))

    expect(new Set(await endings(clients))).toEqual(new Set(['fin']))

    await expectServed(probe)
    expect(engine.settled.every(({ status }) => status === 200)).toBe(true)
  })

  test('30 clients do not take their answers: each is cut off', async () => {
    const { engine, origin, probe, crowd } = await stage({ timeouts: { writeMs: 300 } })
    const large = answer('a'.repeat(8 * 1024 * 1024))
    origin.script = ({ target }) => (target === '/probe' ? answer('ok') : large)
    const clients = await crowd(30)
    for (const client of clients) {
      client.socket.pause()
      client.send(get)
    }

    const isCut = () => engine.settled.filter(({ failure }) => failure === 'client-abort').length === 30
    for (let n = 1; !isCut(); n++) await engine.settledAt(n)

    await expectServed(probe)
  })

  test.each([
    ['in all', { connections: 51 }],
    ['from one address', { connectionsPerClient: 51 }],
  ])('300 clients connect where 51 may %s: 250 are 503 and closed', async (_name, limits) => {
    const { probe, crowd } = await stage({ limits })
    const clients = await crowd(300)
    const refused = await Promise.all(clients.slice(50).map(async (client) => client.response()))

    expect(new Set(refused.map((response) => header(response, 'x-tidegate-error')))).toEqual(new Set(['overloaded']))
    expect(new Set(await endings(clients.slice(50)))).toEqual(new Set(['fin']))
    for (const client of clients.slice(0, 50)) expect((await client.send(get).response()).status).toBe(200)
    await expectServed(probe)
  })

  test('1,000 clients connect where one may, and stay: some are 503, the others are closed at once', async () => {
    const { probe, crowd } = await stage({ limits: { connections: 1 } })
    const clients = await crowd(1000)

    await endings(clients)
    const told = clients.filter(({ received }) => received !== '')
    expect(told.length).toBeLessThanOrEqual(500)
    for (const client of told) expect(header(await client.response(), 'x-tidegate-error')).toBe('overloaded')
    await expectServed(probe)
  })

  test('a client never ends its field line: it is refused, and not read any further', async () => {
    const { origin, probe, crowd } = await stage()
    const [client] = (await crowd(1)) as [RawClient]
    client.send('GET / HTTP/1.1\r\nhost: a\r\nx-endless: ')
    const sent = sendWithoutEnd(client, 'x'.repeat(64 * 1024))

    expect(header(await client.response(), 'x-tidegate-error')).toBe('headers-too-large')
    expect((await client.rest()).ending).toBe('fin')
    // Read for as long as it takes to see the answer, a megabyte; what is sent above that is in the buffers of both systems.
    expect(await sent).toBeLessThan(64 * 1024 * 1024)
    await expectServed(probe)
    expect(strangers(origin)).toBe(0)
  })

  test('a client sends fields without end: it is refused', async () => {
    const { probe, crowd } = await stage()
    const [client] = (await crowd(1)) as [RawClient]
    client.send('GET / HTTP/1.1\r\nhost: a\r\n')
    const sent = sendWithoutEnd(client, 'a:\r\n'.repeat(10_000))

    expect(header(await client.response(), 'x-tidegate-error')).toBe('headers-too-large')
    await client.rest()
    await sent
    await expectServed(probe)
  })

  test('10 clients send 10,000 chunks of one byte each: all bodies arrive', async () => {
    const { probe, crowd } = await stage()
    const body = Array.from({ length: 10_000 }, (_, i) => String.fromCharCode(97 + (i % 26)))
    const chunks = body.map((byte) => `1\r\n${byte}\r\n`).join('')
    const clients = await crowd(10)
    for (const client of clients)
      client.send(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`)

    const wanted = body.join('')
    for (const client of clients) expect((await client.response()).body === wanted).toBe(true)
    await expectServed(probe)
  })

  test('20 clients pipeline 200 requests each: all are answered in order', async () => {
    const { origin, probe, crowd } = await stage()
    origin.script = ({ target }) => answer(target)
    const clients = await crowd(20)
    clients.forEach((client, c) => {
      client.send(Array.from({ length: 200 }, (_, i) => `GET /${c}/${i} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''))
    })

    for (const [c, client] of clients.entries()) {
      const responses = await client.responses(200)
      expect(responses.map((response) => response.body)).toEqual(Array.from({ length: 200 }, (_, i) => `/${c}/${i}`))
    }
    await expectServed(probe)
  })
})

async function expectServed(probe: Probe): Promise<void> {
  const statuses = await probe.stop()
  expect(statuses.length).toBeGreaterThan(0)
  expect(statuses.every((status) => status === 200)).toBe(true)
}

function strangers({ requests }: RecordingOrigin): number {
  return requests.filter(({ target }) => target !== '/probe').length
}

async function endings(clients: readonly RawClient[]): Promise<string[]> {
  return Promise.all(clients.map(async (client) => (await client.rest()).ending))
}

/** Sends a piece whenever the one before was taken, until the connection is gone. @returns bytes handed to the system */
async function sendWithoutEnd(client: RawClient, piece: string): Promise<number> {
  let sent = 0
  await new Promise<void>((resolve) => {
    client.socket.once('close', resolve)
    const next = (error?: Error | null): void => {
      if (error !== undefined && error !== null) return
      sent += piece.length
      client.socket.write(piece, 'latin1', next)
    }
    client.socket.write(piece, 'latin1', next)
  })
  return sent
}
