import { connect } from 'node:net'
import { timedOut, unreachable, unreadable } from './error.ts'
import { exchange, type Limits } from './exchange.ts'
import { type Query, readReply, type Reply } from './message.ts'
import type { DnsServer } from './options.ts'

const prefixBytes = 2

/** Asks over TCP, where each message comes after its length (RFC 1035 section 4.2.2). */
export async function askOverTcp(server: DnsServer, query: Query, limits: Limits): Promise<Reply> {
  const timeoutError = () => timedOut(server, limits.timeoutMs)
  return exchange(limits, timeoutError, ({ answered, failed }) => {
    const chunks: Buffer[] = []
    let received = 0
    let expected = prefixBytes
    const socket = connect({ host: server.host, port: server.port })
    socket.on('error', (error) => failed(unreachable(server, error)))
    socket.on('close', () => failed(unreachable(server, 'it closed the connection before the answer was whole')))
    socket.on('connect', () => {
      const prefix = Buffer.alloc(prefixBytes)
      prefix.writeUInt16BE(query.bytes.length)
      socket.write(Buffer.concat([prefix, query.bytes]))
    })
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      received += chunk.length
      if (received < expected) return
      const bytes = Buffer.concat(chunks)
      expected = prefixBytes + bytes.readUInt16BE(0)
      if (received < expected) return
      try {
        const reply = readReply(bytes.subarray(prefixBytes, expected), query)
        if (reply === null) failed(unreadable(server, 'it answers another question'))
        else answered(reply)
      } catch (error) {
        failed(unreadable(server, String(error)))
      }
    })
    return () => socket.destroy()
  })
}
