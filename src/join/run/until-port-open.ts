import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const pauseMs = 50
const connectTimeoutMs = 1000

/** Resolves once `host:port` takes a connection; rejects when the signal aborts before. */
export async function untilPortOpen(host: string, port: number, signal: AbortSignal): Promise<void> {
  while (!(await takesConnections(host, port))) await delay(pauseMs, undefined, { signal })
}

/** Whether `host:port` takes a connection now. */
export async function takesConnections(host: string, port: number, timeoutMs = connectTimeoutMs): Promise<boolean> {
  return (await connectOnce(host, port, timeoutMs)) === null
}

/** Whether nobody takes connections at `host:port`. A failure of this machine's own says nothing, nor does an entry without a port. */
export async function isDead(host: string, port: number): Promise<boolean> {
  if (port === 0) return false
  const failure = await connectOnce(host, port, connectTimeoutMs)
  return failure !== null && !ownFailures.has(failure)
}

const ownFailures = new Set([
  'EMFILE',
  'ENFILE',
  'EADDRNOTAVAIL',
  'ENOBUFS',
  'ENOMEM',
  'ENETUNREACH',
  'ENETDOWN',
  'EAI_AGAIN',
])

/** @returns why it failed; null = it stood */
function connectOnce(host: string, port: number, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (failure: string | null): void => {
      socket.destroy()
      resolve(failure)
    }
    socket
      .once('connect', () => end(null))
      .once('timeout', () => end('timeout'))
      .once('error', ({ code = 'error' }: NodeJS.ErrnoException) => end(code))
  })
}
