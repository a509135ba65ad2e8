import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { nextTick } from 'node:process'
import { expect, onTestFinished, test } from 'vitest'
import { closeAtCalmTurn } from '../../../src/proxy/calm-close.ts'

async function listening(): Promise<{ server: Server; accepted: Socket[]; port: number }> {
  const accepted: Socket[] = []
  const server = createServer((socket) => accepted.push(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of accepted) socket.destroy()
    server.close()
  })
  return { server, accepted, port: (server.address() as AddressInfo).port }
}

/** Connections that the system has set up, and that wait to be accepted when `then` runs. */
async function waiting(port: number, count: number, then: () => Promise<void>): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const socket of sockets) socket.on('error', () => {})
  // Node connects in the next tick; nothing is accepted before the event loop turns.
  await new Promise<void>((resolve, reject) => nextTick(() => void then().then(resolve, reject)))
  return sockets
}

test('connections that wait to be accepted are accepted before the server closes', async () => {
  const { server, accepted, port } = await listening()
  const sockets = await waiting(port, 10, async () => {
    expect(accepted).toHaveLength(0)
    await closeAtCalmTurn(server)
  })
  expect(accepted).toHaveLength(10)
  for (const socket of accepted) socket.end('hello')
  for (const socket of sockets) expect(String(await once(socket, 'data'))).toBe('hello')
})

test('the address is free when it is done', async () => {
  const { server, port } = await listening()
  await closeAtCalmTurn(server)
  const another = createServer().listen(port, '127.0.0.1')
  await once(another, 'listening')
  expect(another.address()).toMatchObject({ port })
  another.close()
})
