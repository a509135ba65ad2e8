import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { letGo, takeOver } from '../../../../src/proxy/h1/client-socket.ts'
import { Authority } from '../../../support/certificates.ts'

const open: { destroy(): unknown }[] = []
const servers: Server[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

const kinds = { plain, tls }

/** @returns both ends of a connection, the second one as its server accepted it */
async function plain(): Promise<readonly [Socket, Socket]> {
  const server = await listening(createServer({ pauseOnConnect: true }))
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [accepted] = (await once(server, 'connection')) as [Socket]
  return [client, accepted]
}

async function tls(): Promise<readonly [Socket, Socket]> {
  const server = await listening(
    createTlsServer({ ...Authority.create('tests').issue({ names: ['localhost'] }), allowHalfOpen: true }),
  )
  const client = connectTls((server.address() as AddressInfo).port, '127.0.0.1', { rejectUnauthorized: false })
  const [[accepted]] = (await Promise.all([once(server, 'secureConnection'), once(client, 'secureConnect')])) as [
    [TLSSocket],
    unknown,
  ]
  return [client, accepted]
}

async function listening<S extends Server>(server: S): Promise<S> {
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

describe.each(Object.entries(kinds))('an accepted connection, %s', (_, connected) => {
  it('reads into the buffer it was given', async () => {
    const [client, accepted] = await connected()
    const buffer = Buffer.alloc(64)
    const read = Promise.withResolvers<number>()
    const socket = takeOver(accepted, buffer, read.resolve)
    open.push(client, socket)
    socket.resume()
    client.write('to the buffer')
    const length = await read.promise
    expect(buffer.toString('latin1', 0, length)).toBe('to the buffer')
    // No copy of its own: what passes through `data` was allocated for it.
    expect(socket.listenerCount('data')).toBe(0)
  })

  it('tells that the other end said its last', async () => {
    const [client, accepted] = await connected()
    const socket = takeOver(accepted, Buffer.alloc(64), () => undefined)
    open.push(client, socket)
    socket.resume()
    const ended = once(socket, 'end')
    client.end()
    await ended
    expect(socket.destroyed).toBe(false)
  })
})

describe('a closed connection, tls', () => {
  it('is let go: nothing hangs on it any more', async () => {
    const [client, accepted] = await tls()
    const socket = takeOver(accepted, Buffer.alloc(64), () => undefined)
    open.push(client, socket)
    socket.on('end', () => undefined)
    socket.destroy()
    await once(socket, 'close')
    letGo(socket)
    expect(socket.eventNames()).toEqual([])
  })
})
