import { describe, expect, test } from 'vitest'
import type { EngineName, ServiceSettings } from '../../src/core/snapshot.ts'
import { useFlow } from '../support/flow.ts'
import { header } from '../support/http-message.ts'
import { startProbe } from '../support/probe.ts'
import { answer, type OriginConnection } from '../support/recording-origin.ts'

const flow = useFlow()
const engines: readonly EngineName[] = ['fast', 'standard']
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'

describe.each(engines)('engine: %s bounds an endpoint that', (engineName) => {
  /** A client that asked for `/bad`, the connection on which the endpoint may misbehave, and a probe of other requests. */
  async function asked(service: Partial<ServiceSettings> = {}) {
    const outlier = {
      consecutiveFailures: 1e6,
      baseEjectionMs: 1,
      maxEjectionMs: 1,
      maxEjectedPercent: 0,
      successRate: null,
    }
    const origin = await flow.rawOrigin(({ target }) => (target === '/bad' ? undefined : answer('ok')))
    const options = { origins: [origin], listener: { engine: engineName }, service: { ...service, outlier } }
    const engine = await flow.engine(options)
    const probe = await startProbe(engine.port)
    const client = await flow.client(engine)
    client.send('GET /bad HTTP/1.1\r\nhost: a\r\n\r\n')
    const { connection } = await until(origin, '/bad')
    const expectServed = async (): Promise<void> => {
      expect(new Set(await probe.stop())).toEqual(new Set([200]))
    }
    return { origin, engine, client, connection, expectServed }
  }

  test('drips its head: it has the time of a head, not of every byte', async () => {
    const { client, connection, expectServed } = await asked({ headTimeoutMs: 300 })
    connection.socket.write('HTTP/1.1 200 OK\r\nx-slow: ')
    const dripping = setInterval(() => connection.socket.write('x'), 20)
    flow.defer(() => clearInterval(dripping))

    expect(header(await client.response(), 'x-tidegate-error')).toBe('head-timeout')
    await connection.closed()
    clearInterval(dripping)
    await expectServed()
  })

  test.each([
    ['never ends its field line', 'HTTP/1.1 200 OK\r\nx-endless: ', 'x'.repeat(65_536)],
    ['never ends its status line', 'HTTP/1.1 200 ', 'x'.repeat(65_536)],
    ['sends fields without end', 'HTTP/1.1 200 OK\r\n', 'a:\r\n'.repeat(10_000)],
    ['sends interim answers without end', '', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000)],
  ])('%s', async (_name, start, more) => {
    const { client, connection, expectServed } = await asked()
    const written = writeWithoutEnd(connection, start, more)

    let response = await client.response()
    let interims = 0
    for (; response.status < 200; interims++) response = await client.response()
    expect(header(response, 'x-tidegate-error')).toBe('bad-response')
    expect(interims).toBeLessThanOrEqual(32)
    await written
    await expectServed()
  })

  test.each([
    ['never ends its chunk extension', '1;', 'x'.repeat(65_536)],
    ['never ends its trailer', '0\r\nx-endless: ', 'x'.repeat(65_536)],
    ['sends trailers without end', '0\r\n', 'x-a: b\r\n'.repeat(8000)],
  ])('%s: the answer is cut visibly', async (_name, start, more) => {
    const { client, connection, expectServed } = await asked()
    const written = writeWithoutEnd(connection, chunked + start, more)

    await expect(client.response()).rejects.toThrow('the connection ended')
    expect(client.received).toContain('HTTP/1.1 200 OK\r\n')
    expect(client.received).not.toContain('\r\n0\r\n')
    await written
    await expectServed()
  })

  test('sends 20,000 chunks of one byte: they arrive', async () => {
    const { client, connection, expectServed } = await asked()
    const body = Array.from({ length: 20_000 }, (_, i) => String.fromCharCode(97 + (i % 26)))
    connection.socket.write(`${chunked}${body.map((byte) => `1\r\n${byte}\r\n`).join('')}0\r\n\r\n`)

    expect((await client.response()).body === body.join('')).toBe(true)
    await expectServed()
  })

  test('sends body without end behind a whole answer: nobody gets it', async () => {
    const { client, connection, expectServed } = await asked()
    const written = writeWithoutEnd(connection, answer('whole'), answer('evil').repeat(1000))

    expect((await client.response()).body).toBe('whole')
    await written
    expect((await client.send('GET /next HTTP/1.1\r\nhost: a\r\n\r\n').response()).body).toBe('ok')
    await expectServed()
  })
})

interface Requests {
  readonly requests: readonly { readonly target: string; readonly connection: OriginConnection }[]
  requestAt(n: number): Promise<unknown>
}

async function until(origin: Requests, target: string): Promise<{ readonly connection: OriginConnection }> {
  for (;;) {
    const found = origin.requests.find((request) => request.target === target)
    if (found !== undefined) return found
    await origin.requestAt(origin.requests.length + 1)
  }
}

/** Writes whenever what was written is taken; resolves when the connection was let go. */
async function writeWithoutEnd(connection: OriginConnection, start: string, more: string): Promise<void> {
  const { socket } = connection
  const next = (error?: Error | null): void => {
    if (socket.writable && (error === undefined || error === null)) socket.write(more, 'latin1', next)
  }
  socket.write(start, 'latin1', next)
  await connection.closed()
}
