import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectH2, constants } from 'node:http2'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { queryLinesPath, queryLinesProtocol } from '../../../core/query-lines.ts'
import type { Connection, OpenOptions } from './connection.ts'
import { H2Connection } from './h2-connection.ts'
import { LineConnection } from './line-connection.ts'

// So that one long list does not wait for us; the connection's is the same, or small answers would wait for long ones.
const windowBytes = 1024 * 1024
/** In MiB, of what Node keeps for a connection: 10 are too few for many long lists at once. */
const maxSessionMemory = 128

/**
 * Connects by TLS: for lines where they are offered, else for streams. Null where HTTP/2 is not offered. Rejects with what went wrong, or
 * with the signal's reason.
 *
 * @param url of the API, with `/v1`
 */
export async function openSecure(url: URL, tls: ConnectionOptions, options: OpenOptions): Promise<Connection | null> {
  const { signal } = options
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const socket = connectTls({ ...tls, host, port: Number(url.port || 443), ALPNProtocols: ['h2', 'http/1.1'] })
  const ended = Promise.withResolvers<never>()
  ended.promise.catch(() => {})
  const end = (reason: unknown) => {
    ended.reject(reason)
    socket.destroy()
  }
  // A TLS alert that comes later is said by the socket, which does not close by itself then.
  socket.on('error', end)
  socket.once('close', () => end(new Error('the connection was closed')))
  const onAbort = () => end(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([once(socket, 'secureConnect'), ended.promise])
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy()
      return null
    }
    const session = connectH2(url, {
      createConnection: () => socket,
      maxSessionMemory,
      settings: { enablePush: false, initialWindowSize: windowBytes },
    })
    session.on('error', () => {})
    await Promise.race([once(session, 'remoteSettings'), ended.promise])
    session.setLocalWindowSize(windowBytes)
    const lines = await Promise.race([askForLines(session, url.pathname, options), ended.promise])
    return lines ?? new H2Connection(session, url.pathname, options)
  } catch (error) {
    end(error)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Null where they are not offered. Never rejects: what keeps them from being taken need not keep streams from it. */
async function askForLines(
  session: ClientHttp2Session,
  base: string,
  options: OpenOptions,
): Promise<Connection | null> {
  const { headers, limits } = options
  // RFC 8441 section 3.
  if (limits.maxLines === 0 || session.remoteSettings.enableConnectProtocol !== true) return null
  const asked = { ':method': 'CONNECT', ':protocol': queryLinesProtocol, ':path': base + queryLinesPath }
  const stream = session.request({ ...headers, ...asked }, { endStream: false })
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, limits.linesTimeoutMs, false)
  stream.on('error', () => {})
  stream.once('close', () => resolve(false))
  // A proxy that passes CONNECT on as an Upgrade has an agent's 200 for one that passed it over.
  stream.once('response', (answer) => resolve(answer[queryLinesProtocol] !== undefined))
  const isOffered = await promise
  clearTimeout(timer)
  if (isOffered) return new LineConnection(stream, session, limits.maxLines)
  stream.close(constants.NGHTTP2_CANCEL)
  return null
}
