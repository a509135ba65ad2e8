import type { Failure } from '../../core/failure.ts'

/** Errors that say our machine is out of sockets, ports or memory for them: never evidence against an endpoint. */
const exhaustion = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM'])

/**
 * The failure of a connection that never stood. Only ECONNREFUSED is certain; an unreachable host is a connection that was
 * not accepted in time.
 *
 * @param isSecured true where a TLS handshake follows: then what is no error of `connect` is one of the handshake
 */
export function failureOfConnectError(error: NodeJS.ErrnoException | null, isSecured: boolean): Failure {
  if (error?.code === 'ECONNREFUSED') return 'connect-refused'
  if (error?.code !== undefined && exhaustion.has(error.code)) return 'local-exhaustion'
  return isSecured && error !== null && error.syscall !== 'connect' ? 'tls-failed' : 'connect-timeout'
}
