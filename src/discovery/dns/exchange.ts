import type { DiscoveryError } from '../contract.ts'
import type { Reply } from './message.ts'

export interface Limits {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface Outcome {
  readonly answered: (reply: Reply) => void
  readonly failed: (error: DiscoveryError) => void
}

/**
 * One query and its answer. `start` sends the query and returns what closes its socket, which is called once, however it ends:
 * with an outcome, the first of them; when the time is over; or, rejecting with the signal's reason, when that aborts.
 */
export async function exchange(
  { timeoutMs, signal }: Limits,
  timeoutError: () => DiscoveryError,
  start: (outcome: Outcome) => () => void,
): Promise<Reply> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const close = start({ answered: resolve, failed: reject })
  // After a stall of our own the answer may be there already: sockets are read between a timer and an immediate.
  const timer = setTimeout(() => setImmediate(() => reject(timeoutError())), timeoutMs)
  const onAbort = () => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    close()
  }
}
