import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const pauseMs = 50
const connectTimeoutMs = 1000

/** Resolves once `host:port` takes a connection; rejects when the signal aborts before. */
export async function untilPortOpen(host: string, port: number, signal: AbortSignal): Promise<void> {
  while (!(await takesConnections(host, port))) await delay(pauseMs, undefined, { signal })
}

/** Whether `host:port` takes a connection now. */
export function takesConnections(host: string, port: number, timeoutMs = connectTimeoutMs): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (isOpen: boolean) => (): void => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })
}
