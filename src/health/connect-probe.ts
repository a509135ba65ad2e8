import { connect, type Socket } from 'node:net'

/**
 * What a plain TCP connect showed. `failed`: no answer in time, or unreachable. `unknown`: it says nothing about the other
 * side, since the probe was aborted or we are out of sockets ourselves.
 */
export type ConnectResult = 'accepted' | 'refused' | 'failed' | 'unknown'

export type ConnectProbe = (
  host: string,
  port: number,
  timeoutMs: number,
  signal: AbortSignal,
) => Promise<ConnectResult>

/** Codes of errors that are our own want of sockets: no evidence. */
export const ownExhaustion: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS'])

/** Opens a connection and closes it at once. Never rejects. */
export const probeConnect: ConnectProbe = (host, port, timeoutMs, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve('unknown')
    const socket = connect({ host, port, signal })
    const settle = (result: ConnectResult) => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(timeoutMs, () => settle('failed'))
    socket.once('connect', () => {
      settle(isToItself(socket) ? 'refused' : 'accepted')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => settle(resultOf(error)))
  })

/** TCP's simultaneous open (RFC 9293 section 3.5): a local port that nobody listens on can be connected to itself. */
export function isToItself(socket: Socket): boolean {
  return socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress
}

function resultOf(error: NodeJS.ErrnoException): ConnectResult {
  if (error.code === 'ECONNREFUSED') return 'refused'
  return error.code === 'ABORT_ERR' || ownExhaustion.has(error.code ?? '') ? 'unknown' : 'failed'
}
