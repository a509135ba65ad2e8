import { DiscoveryError } from '../contract.ts'
import { TimeIsUp } from './transport.ts'

/** An error as the gateway writes it: https://pkg.go.dev/google.golang.org/grpc/codes. */
export interface EtcdRefusal {
  /** HTTP; null where it came in a stream that was under way. */
  readonly status: number | null
  /** Of gRPC; null where the body is not etcd's. */
  readonly code: number | null
  readonly message: string
}

export const grpcCodes = {
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  outOfRange: 11,
  unauthenticated: 16,
}
const noAuthentication = 'authentication is not enabled'
const shownChars = 200

/** What went wrong on the way, as a DiscoveryError that names the URL and the way out. */
export function unreachable(cause: unknown, url: string): DiscoveryError {
  if (cause instanceof DiscoveryError) return cause
  if (cause instanceof TimeIsUp) {
    const way = 'check that it is not overloaded, and that nothing between drops connections or keeps requests back'
    return new DiscoveryError('timeout', `etcd did not answer ${url} in time; ${way}`)
  }
  const { code, message } = cause instanceof Error ? (cause as NodeJS.ErrnoException) : { message: String(cause) }
  if (code?.startsWith('HPE_')) return unreadable(url, message)
  const way = 'check that it runs, that the endpoint is right and, with https, that `tls` fits'
  return new DiscoveryError('unreachable', `etcd can't be reached at ${url} (${code ?? message}); ${way}`)
}

/** An answer that came whole but can't be what etcd says. */
export function unreadable(url: string, reason: string): DiscoveryError {
  const way = 'check that the endpoint is a client URL of etcd 3.4 or later'
  return new DiscoveryError('unreadable', `The answer of ${url} can't be read: ${reason}; ${way}`)
}

export function refused(url: string, refusal: EtcdRefusal): DiscoveryError {
  const { status, code } = refusal
  const said = refusal.message
    .slice(0, shownChars)
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  if (code === grpcCodes.permissionDenied || status === 401 || status === 403 || isStaleToken(refusal)) {
    return denied(url, said)
  }
  const outcome = status === null ? 'ended its stream' : `answered ${status}`
  const way =
    status === 404 ? 'check that the endpoint is a client URL of etcd 3.4 or later' : 'check the health of its cluster'
  return new DiscoveryError('status', `etcd ${outcome} (${said}) at ${url}; ${way}`)
}

export function denied(url: string, said: string): DiscoveryError {
  const way = 'check `username` and `password`, and give the role `read` on all keys of the prefix'
  return new DiscoveryError('denied', `etcd refuses what ${url} is asked for (${said}); ${way}`)
}

/** The token has expired, its member has restarted, or the rules have changed since it was given: another one may do. */
export function isStaleToken({ code, message }: EtcdRefusal): boolean {
  if (code === grpcCodes.unauthenticated) return true
  return code === grpcCodes.invalidArgument && /user name is empty|revision of auth store is old/.test(message)
}

export function isWithoutAuthentication({ message }: EtcdRefusal): boolean {
  return message.includes(noAuthentication)
}
