import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { queryLinesProtocol } from '../../src/core/query-lines.ts'
import { serviceRow } from './scripted-registry.ts'

/** An agent that says exactly what it is told to. @param onLines is given the connection once it is for lines */
export async function startLineAgent(
  onLines: (stream: Socket, request: IncomingMessage) => void,
  upgrade = queryLinesProtocol,
): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'x-consul-index': '1' }).end('[]')
  })
  const sockets = new Set<Socket>()
  server.on('upgrade', (request, socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`)
    onLines(socket, request)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    const closed = once(server.close(), 'close')
    for (const socket of sockets) socket.destroy()
    server.closeAllConnections()
    await closed
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** One instance, `web-` and the id of the query, at index 5. */
export function answerOf(id: number): string {
  const body = JSON.stringify([serviceRow({ id: `web-${id}` })])
  const line = { id, status: 200, headers: { 'content-type': 'application/json', 'x-consul-index': '5' } }
  return `${JSON.stringify({ ...line, bytes: body.length })}\n${body}`
}
