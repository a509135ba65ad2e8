import { connect } from 'node:net'

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

const ownExhaustion: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS'])

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
      // TCP's simultaneous open (RFC 9293 section 3.5): a local port that nobody listens on can be connected to itself.
      const toItself = socket.localPort === port && socket.localAddress === socket.remoteAddress
      settle(toItself ? 'refused' : 'accepted')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => settle(resultOf(error)))
  })

function resultOf(error: NodeJS.ErrnoException): ConnectResult {
  if (error.code === 'ECONNREFUSED') return 'refused'
  return error.code === 'ABORT_ERR' || ownExhaustion.has(error.code ?? '') ? 'unknown' : 'failed'
}
