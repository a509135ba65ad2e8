import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { timedOut, unreachable, unreadable } from './error.ts'
import { exchange, type Limits } from './exchange.ts'
import { type Query, readReply, type Reply } from './message.ts'
import type { DnsServer } from './options.ts'

/**
 * Asks over UDP. Each query has a socket of its own, and with it a port that nobody can foresee (RFC 5452 section 9.2); being
 * connected, it takes nothing that does not come from the server, and hears of a port that nobody listens on.
 */
export async function askOverUdp(server: DnsServer, query: Query, limits: Limits): Promise<Reply> {
  const timeoutError = () => timedOut(server, limits.timeoutMs)
  return exchange(limits, timeoutError, ({ answered, failed }) => {
    const socket = createSocket(isIPv6(server.host) ? 'udp6' : 'udp4')
    socket.on('error', (error) => failed(unreachable(server, error)))
    socket.on('connect', () => socket.send(query.bytes))
    socket.on('message', (bytes) => {
      try {
        const reply = readReply(bytes, query)
        if (reply !== null) answered(reply)
      } catch (error) {
        failed(unreadable(server, String(error)))
      }
    })
    socket.connect(server.port, server.host)
    return () => socket.close()
  })
}
