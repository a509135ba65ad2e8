import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { ServerDrain } from '../../../src/join/drain-server.ts'

async function serving(
  serve: RequestListener,
): Promise<{ server: Server; drain: ServerDrain; dial: () => Promise<Socket> }> {
  const server = createServer(serve)
  const drain = new ServerDrain(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    server,
    drain,
    dial: async () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      onTestFinished(() => void socket.destroy())
      await once(socket, 'connect')
      return socket
    },
  }
}

it('ends at its deadline though a connection was upgraded, which it breaks off', async () => {
  const { server, drain, dial } = await serving(() => {})
  const upgraded = once(server, 'upgrade')
  const socket = await dial()
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
  await upgraded
  const closed = once(socket.resume(), 'close')
  expect(await drain.drain(100)).toBe(false)
  await closed
})

it('does not wait for connections on which nobody has asked for anything', async () => {
  const { server, drain, dial } = await serving(() => {})
  const connected = once(server, 'connection')
  const socket = await dial()
  await connected
  const closed = once(socket.resume(), 'close')
  expect(await drain.drain(10_000)).toBe(true)
  await closed
})

it('finishes all requests of a connection that had sent several, and closes with the last', async () => {
  const responses: ServerResponse[] = []
  const both = Promise.withResolvers<void>()
  const { drain, dial } = await serving((_, response) => {
    if (responses.push(response) === 2) both.resolve()
  })
  const socket = await dial()
  socket.write('GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n')
  await both.promise
  const answers = text(socket)
  const drained = drain.drain(10_000)
  responses[0]?.end('first')
  responses[1]?.end('second')
  expect(await drained).toBe(true)
  const said = await answers
  expect(said).toContain('first')
  expect(said).toContain('second')
  expect(said.match(/connection: close/gi)).toHaveLength(1)
})
