import type { Failure } from '../../core/failure.ts'

/** Errors that say our machine is out of sockets, ports or memory for them: never evidence against an endpoint. */
const exhaustion = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM'])

/**
 * The failure of a connection that never stood. Only ECONNREFUSED is certain; an unreachable host is a connection that was
 * not accepted in time.
 */
export function failureOfConnectError(error: NodeJS.ErrnoException | null): Failure {
  if (error?.code === 'ECONNREFUSED') return 'connect-refused'
  if (error?.code !== undefined && exhaustion.has(error.code)) return 'local-exhaustion'
  return 'connect-timeout'
}
