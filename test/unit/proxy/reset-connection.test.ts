import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { ProxyContext } from '../../../src/proxy/context.ts'
import { Output } from '../../../src/proxy/h1/output.ts'
import { Slabs } from '../../../src/proxy/h1/slabs.ts'
import { SpareWriteRequest } from '../../../src/proxy/h1/write-request.ts'
import { resetConnection } from '../../../src/proxy/reset-connection.ts'

const closings: (() => void)[] = []
afterEach(() => {
  for (const close of closings.splice(0)) close()
})

const context = {
  writeRequests: SpareWriteRequest.find(),
  gatherSlabs: new Slabs(1024, 1),
  waitingSlabs: new Slabs(1024, 1),
  waitingBytes: 0,
} as unknown as ProxyContext

/** Both ends of a connection; the client reads nothing, and texts were written until the last of them did not fit. */
async function blocked() {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[Socket], unknown]
  client.pause()
  client.on('error', () => undefined)
  socket.on('error', () => undefined)
  closings.push(() => {
    client.destroy()
    server.close()
  })
  const drained = Promise.withResolvers<void>()
  const output = new Output(socket, context, drained.resolve)
  let written = 0
  while (!output.isBlocked) {
    output.text('x'.repeat(10_000))
    output.flush()
    written += 10_000
  }
  return { client, socket, output, drained: drained.promise, written }
}

/** Unlike `once`, not bothered by an error before. */
async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

function countBytes(client: Socket): () => number {
  let received = 0
  client.on('data', (bytes: Buffer) => (received += bytes.length))
  return () => received
}

describe('a connection with bytes that its client does not take', () => {
  it('is reset while its end waits for them', async () => {
    const { client, socket, output } = await blocked()
    output.end()
    resetConnection(socket)
    await closed(socket)
    client.resume()
    await closed(client)
    expect(client.readableEnded).toBe(false)
  })

  it('is closed while a FIN is on its way', async () => {
    const { client, socket, output, drained } = await blocked()
    client.resume()
    await drained
    output.end()
    resetConnection(socket)
    await closed(socket)
    expect(socket.errored).toBeNull()
  })

  it('ends behind them', async () => {
    const { client, output, written } = await blocked()
    const received = countBytes(client)
    output.end()
    client.resume()
    await once(client, 'end')
    expect(received()).toBe(written)
  })

  it('tells when they are taken', async () => {
    const { client, output, drained } = await blocked()
    client.resume()
    await drained
    expect(output.isBlocked).toBe(false)
  })
})
