import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { Body } from '../support/bodies.ts'
import { ask, useFlow } from '../support/flow.ts'
import { answer } from '../support/recording-origin.ts'

const flow = useFlow()
const MiB = 1024 * 1024
const size = 256 * MiB
/** What the system's socket buffers of two connections over loopback may hold (tcp_wmem and tcp_rmem, both ways). */
const inSystemBuffers = 32 * MiB

/** Other exchanges through the same engine: turns of the event loop in which a body that is not held back would go on. */
async function otherExchanges(port: number, count: number): Promise<void> {
  for (let i = 0; i < count; i++) expect((await ask(port, { path: '/other' })).status).toBe(200)
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Memory outside the heap that is held: where bodies are. */
function heldBytes(): number {
  // The second time waits for what the first has found.
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().external
}

/** Reads a body with a pause every 32 MiB, in which other exchanges go through. */
async function readSlowly(
  message: IncomingMessage,
  port: number,
): Promise<{ received: number; mostHeldBytes: number }> {
  let received = 0
  let nextPause = 0
  let mostHeldBytes = 0
  for await (const bytes of message as AsyncIterable<Buffer>) {
    received += bytes.length
    if (received < nextPause) continue
    nextPause += 32 * MiB
    await otherExchanges(port, 20)
    mostHeldBytes = Math.max(mostHeldBytes, heldBytes())
  }
  return { received, mostHeldBytes }
}

test('an endpoint is held back while the client does not read, and memory stays flat', async () => {
  const body = new Body(size)
  let sent = 0
  const origin = await flow.origin((incoming, response) => {
    if (incoming.url === '/other') {
      response.end('ok')
      return
    }
    response.writeHead(200, { 'content-length': size })
    const slices = body.slices()
    const write = (): void => {
      for (;;) {
        const { value, done } = slices.next()
        if (done === true) break
        sent += value.length
        if (response.write(value)) continue
        response.once('drain', write)
        return
      }
      response.end()
    }
    write()
  })
  const engine = await flow.engine({ origins: [origin] })

  const before = heldBytes()
  const outgoing = request({ port: engine.port }).end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  await otherExchanges(engine.port, 100)
  expect(sent).toBeLessThan(inSystemBuffers)

  const { received, mostHeldBytes } = await readSlowly(response, engine.port)
  expect(received).toBe(size)
  expect(mostHeldBytes - before).toBeLessThan(64 * MiB)
})

test('a client is held back while the endpoint does not read, and memory stays flat', async () => {
  const body = new Body(size)
  const arrived = Promise.withResolvers<IncomingMessage>()
  const origin = await flow.origin((incoming, response) => {
    if (incoming.url === '/other') {
      response.end('ok')
      return
    }
    incoming.pause()
    arrived.resolve(incoming)
    incoming.once('end', () => response.end('thanks'))
  })
  const engine = await flow.engine({ origins: [origin] })

  const outgoing = request({ port: engine.port, method: 'POST', headers: { 'content-length': size } })
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  const before = heldBytes()
  let sent = 0
  const stream = body.stream()
  stream.on('data', (bytes: Buffer) => {
    sent += bytes.length
  })
  stream.pipe(outgoing)
  const incoming = await arrived.promise
  await otherExchanges(engine.port, 100)
  expect(sent).toBeLessThan(inSystemBuffers)

  const { received, mostHeldBytes } = await readSlowly(incoming, engine.port)
  expect(received).toBe(size)
  expect(mostHeldBytes - before).toBeLessThan(64 * MiB)
  const [response] = await answered
  expect(await response.map(String).toArray()).toEqual(['thanks'])
})

test('a client whose last body bytes had to wait for the endpoint is read again', async () => {
  // Takes one sip per turn of the event loop: the body's last bytes find a queue before them.
  const origin = await flow.origin((incoming, response) => {
    incoming.on('data', () => {
      incoming.pause()
      setImmediate(() => incoming.resume())
    })
    incoming.on('end', () => response.end(incoming.url))
  })
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  for (const bytes of [3 * MiB, 5 * MiB, 8 * MiB]) {
    client.send(`PUT /${bytes} HTTP/1.1\r\nhost: a\r\ncontent-length: ${bytes}\r\n\r\n`).send(Buffer.alloc(bytes))
    expect((await client.response()).body).toBe(`/${bytes}`)
    expect((await client.send('GET /next HTTP/1.1\r\nhost: a\r\n\r\n').response()).body).toBe('/next')
  }
})

test('a client that pipelines without reading its answers is not read any further', async () => {
  const large = answer('a'.repeat(60_000))
  const origin = await flow.rawOrigin(({ target }) => (target === '/other' ? answer('ok') : large))
  const engine = await flow.engine({ origins: [origin] })
  const client = await flow.client(engine)

  client.socket.pause()
  client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(1000))
  await otherExchanges(engine.port, 400)

  const served = origin.requests.filter(({ target }) => target === '/').length
  expect(served).toBeGreaterThan(0)
  expect(served).toBeLessThan(500)
  // Half-closing takes nothing back.
  client.end()
  await otherExchanges(engine.port, 10)
  client.socket.resume()
  await engine.settledAt(1410)
  expect(engine.settled.every(({ status, failure }) => status === 200 && failure === null)).toBe(true)
})
