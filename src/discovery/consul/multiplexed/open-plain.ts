import { request as requestHttp } from 'node:http'
import { queryLinesPath, queryLinesProtocol } from '../../../core/query-lines.ts'
import type { Connection, OpenOptions } from './connection.ts'
import { LineConnection } from './line-connection.ts'

/**
 * Connects, and asks for lines. Null where they are not offered: who does not know them answers as ever, and who can't bear to be asked,
 * or does not answer, may bear requests. Rejects with what keeps it from connecting, or with the signal's reason.
 *
 * @param base of the API, with `/v1`
 */
export async function openPlain(base: URL, { limits, headers, signal }: OpenOptions): Promise<Connection | null> {
  if (limits.maxLines === 0) return null
  const { promise, resolve, reject } = Promise.withResolvers<Connection | null>()
  const url = new URL(base)
  url.pathname += queryLinesPath
  const request = requestHttp(url, {
    agent: false,
    headers: { ...headers, connection: 'Upgrade', upgrade: queryLinesProtocol },
  })
  let isConnected = false
  let timer: NodeJS.Timeout | undefined
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  request.once('socket', (socket) => {
    socket.once('connect', () => {
      isConnected = true
      timer = setTimeout(resolve, limits.linesTimeoutMs, null)
    })
  })
  request.on('error', (error) => (isConnected ? resolve(null) : reject(error)))
  request.on('response', () => resolve(null))
  request.on('upgrade', (answer, socket, head) => {
    if (answer.headers.upgrade !== queryLinesProtocol) {
      socket.destroy()
      return resolve(null)
    }
    if (head.length > 0) socket.unshift(head)
    resolve(new LineConnection(socket, socket, limits.maxLines))
  })
  request.end()
  let connection: Connection | null = null
  try {
    connection = await promise
    return connection
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    if (connection === null) request.destroy()
  }
}
