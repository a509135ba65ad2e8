import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { header } from '../support/http-message.ts'
import { useFlow } from '../support/flow.ts'
import type { RawClient } from '../support/raw-client.ts'
import { answer, type OriginConnection, type RecordedRequest } from '../support/recording-origin.ts'

const flow = useFlow()
const MiB = 1024 * 1024
const handshake =
  'GET /chat HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n' +
  'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n' +
  'sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'

/** From here on the connection's bytes are the test's. */
function takeOver({ connection }: RecordedRequest): OriginConnection {
  connection.socket.removeAllListeners('data')
  return connection
}

async function open(script: (connection: OriginConnection) => void, idleTimeoutMs = 300_000) {
  const origin = await flow.rawOrigin((request) => {
    if (request.target !== '/chat') return answer('plain')
    script(takeOver(request))
    return undefined
  })
  const engine = await flow.engine({ origins: [origin], service: { idleTimeoutMs } })
  const client = await flow.client(engine)
  return { origin, engine, client }
}

async function openEcho(): Promise<ReturnType<typeof open>> {
  return open(({ socket }) => {
    socket.write(switching)
    socket.on('data', (bytes: Buffer) => {
      if (!socket.write(bytes)) socket.pause()
    })
    socket.on('drain', () => socket.resume())
  })
}

async function switched(client: RawClient): Promise<void> {
  expect((await client.response()).status).toBe(101)
}

test('passes a WebSocket handshake on, with the upgrade fields of both sides', async () => {
  const { origin, client } = await openEcho()

  const response = await client.send(handshake).response()

  const request = await origin.requestAt(1)
  expect(header(request, 'connection')).toBe('upgrade')
  expect(header(request, 'upgrade')).toBe('websocket')
  expect(header(request, 'sec-websocket-key')).toBe('dGhlIHNhbXBsZSBub25jZQ==')
  expect(response.startLine).toBe('HTTP/1.1 101 Switching Protocols')
  expect(header(response, 'connection')).toBe('upgrade')
  expect(header(response, 'upgrade')).toBe('websocket')
  expect(header(response, 'sec-websocket-accept')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
})

test('carries bytes both ways until both sides are done', async () => {
  const { engine, client, origin } = await openEcho()
  client.send(handshake)
  await switched(client)
  const start = client.received.length

  for (let i = 0; i < 10; i++) {
    const wanted = client.received.length + 4
    client.send(Buffer.from([0x81, 2, 65 + i, 66]))
    await client.bytes(wanted)
  }
  client.end()

  expect((await client.rest()).ending).toBe('fin')
  expect(client.received.slice(start)).toBe(
    Array.from({ length: 10 }, (_, i) => `\x81\x02${String.fromCharCode(65 + i)}B`).join(''),
  )
  expect(await engine.settledAt(1)).toMatchObject({ status: 101, failure: null, requestBytes: 40, responseBytes: 40 })
  expect(engine.ledger.endpoint(engine.slot(origin.port), -1).inflight()).toBe(0)
})

test('holds both sides back and loses nothing of 32 MiB each way', async () => {
  const { client } = await openEcho()
  client.send(handshake)
  await switched(client)
  client.socket.removeAllListeners('data')
  const block = randomBytes(MiB + 7)
  const sent = createHash('sha1')
  const received = createHash('sha1')
  client.socket.on('data', (bytes: Buffer) => {
    received.update(bytes)
    client.socket.pause()
    setImmediate(() => client.socket.resume())
  })
  client.socket.resume()

  for (let i = 0; i < 32; i++) {
    sent.update(block)
    if (!client.socket.write(block)) await once(client.socket, 'drain')
  }
  client.end()
  await client.rest()

  expect(received.digest('hex')).toBe(sent.digest('hex'))
})

test('bytes that come in small pieces wait for the client unharmed', async () => {
  // Pieces that leave room in the queue: the next one is read while those before still wait in it.
  const pieces = Array.from({ length: 1000 }, (_, i) => Buffer.alloc(10_007, `${i} `))
  const { client, engine } = await open(({ socket }) => {
    socket.write(switching)
    let next = 0
    const write = (): void => {
      const piece = pieces[next++]
      if (piece === undefined) socket.end()
      else if (socket.write(piece)) setImmediate(write)
      else socket.once('drain', write)
    }
    socket.once('data', write)
  })
  client.send(handshake)
  await switched(client)
  const start = client.received.length

  client.socket.pause()
  client.send('go')
  for (let i = 0; i < 1000; i++) {
    const other = await flow.client(engine)
    await other.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()
    other.destroy()
  }
  client.socket.resume()
  await client.rest()

  const received = createHash('sha1').update(client.received.slice(start), 'latin1').digest('hex')
  expect(received).toBe(createHash('sha1').update(Buffer.concat(pieces)).digest('hex'))
})

test('bytes that the client sent before the 101 arrive behind it', async () => {
  const arrived = Promise.withResolvers<string>()
  const { client, origin } = await open(({ socket }) => {
    socket.on('data', (bytes: Buffer) => arrived.resolve(bytes.toString('latin1')))
    setImmediate(() => socket.write(switching))
  })

  client.send(`${handshake}early bird`)

  await switched(client)
  expect(await arrived.promise).toBe('early bird')
  expect(origin.connections[0]?.received).not.toContain('early bird')
})

test('bytes that come with the 101 arrive behind it', async () => {
  const { client } = await open(({ socket }) => socket.write(`${switching}hello at once`))

  client.send(handshake)
  await switched(client)

  await client.bytes(client.received.indexOf('\r\n\r\n') + 4 + 'hello at once'.length)
  expect(client.received.endsWith('hello at once')).toBe(true)
})

test('the client may end its direction and go on receiving', async () => {
  const { client } = await open(({ socket }) => {
    socket.write(switching)
    socket.on('data', () => {})
    // The recording origin ends behind it.
    socket.prependListener('end', () => socket.write('after your end'))
  })

  client.send(handshake)
  await switched(client)
  client.send('last words').end()

  expect((await client.rest()).ending).toBe('fin')
  expect(client.received.endsWith('after your end')).toBe(true)
})

test('the endpoint may end its direction and go on receiving', async () => {
  const received = Promise.withResolvers<string>()
  const { client, engine } = await open(({ socket }) => {
    let text = ''
    socket.end(switching)
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1')
    })
    socket.on('end', () => received.resolve(text))
  })

  client.send(handshake)
  await switched(client)
  expect((await client.rest()).ending).toBe('fin')
  client.send('still talking').end()

  expect(await received.promise).toBe('still talking')
  expect(await engine.settledAt(1)).toMatchObject({ status: 101, failure: null })
})

test('bytes on their way when both sides have ended arrive', async () => {
  const size = 16 * MiB
  const { client, engine } = await open(({ socket }) => {
    socket.on('data', () => {})
    socket.end(Buffer.concat([Buffer.from(switching), Buffer.alloc(size)]))
  })

  client.socket.pause()
  client.send(handshake).end()
  await engine.message('service-applied')
  client.socket.resume()
  let received = 0
  client.socket.on('data', (bytes: Buffer) => {
    received += bytes.length
  })

  expect((await client.rest()).ending).toBe('fin')
  expect(received).toBe(client.received.indexOf('\r\n\r\n') + 4 + size)
})

test('the client is told when the endpoint dies', async () => {
  const { client, engine, origin } = await openEcho()
  client.send(handshake)
  await switched(client)

  origin.connections[0]?.socket.resetAndDestroy()

  await client.rest()
  expect((await engine.settledAt(1)).status).toBe(101)
})

test('the endpoint is told when the client dies', async () => {
  const { client, engine, origin } = await openEcho()
  client.send(handshake)
  await switched(client)

  client.reset()

  await origin.connections[0]?.closed()
  expect(await engine.settledAt(1)).toMatchObject({ failure: 'client-abort' })
  expect(engine.ledger.endpoint(engine.slot(origin.port), -1).consecutiveFailures()).toBe(0)
})

test('a tunnel in which nothing moves is closed on both sides', async () => {
  const { client, engine, origin } = await open(({ socket }) => void socket.write(switching), 200)
  client.send(handshake)
  await switched(client)

  expect((await client.rest()).ending).toBe('fin')
  await origin.connections[0]?.closed()
  await engine.settledAt(1)
})

test.each(['200 OK', '426 Upgrade Required'])('answered with %s there is no tunnel', async (status) => {
  const origin = await flow.rawOrigin((request) =>
    request.target === '/chat' ? answer('no', status, 'upgrade: websocket\r\n') : answer('plain'),
  )
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  expect(await client.send(handshake).response()).toMatchObject({ status: Number(status.slice(0, 3)), body: 'no' })
  expect(await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()).toMatchObject({ body: 'plain' })
  expect(origin.requests).toHaveLength(2)
  expect(origin.violations).toEqual([])
})

test('a 101 that nobody asked for is 502', async () => {
  const origin = await flow.rawOrigin(() => switching)
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  const response = await client.send('GET /chat HTTP/1.1\r\nhost: a\r\n\r\n').response()

  expect(header(response, 'x-tidegate-error')).toBe('bad-response')
  await origin.connections[0]?.closed()
})
