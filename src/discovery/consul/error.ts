import { DiscoveryError } from '../contract.ts'

/** The marks by which papi's errors are told apart. */
interface PapiError extends Error {
  readonly code?: string
  readonly isTimeout?: boolean
  readonly isCodec?: boolean
  /** Also there when the body could not be decoded. */
  readonly response?: { readonly statusCode?: number; readonly body?: unknown }
}

const shownBodyChars = 200

/**
 * What went wrong with a call of Consul's API, as a DiscoveryError that names the URL and the way out. Papi's error is not kept as
 * its cause: it holds the whole request, and with it the token.
 */
export function consulError(cause: unknown, url: string): DiscoveryError {
  if (cause instanceof DiscoveryError) return cause
  if (!isPapiError(cause)) return unreadable(url, String(cause))
  const status = cause.response?.statusCode ?? 200
  if (status < 200 || status > 299) return refused(status, cause.response?.body, url)
  if (cause.isTimeout) return timedOut(url)
  if (cause instanceof SyntaxError || cause.isCodec || cause.code?.startsWith('HPE_')) {
    return unreadable(url, cause.message)
  }
  return unreachable(cause, url)
}

/** Nothing came back, or not all of it. */
export function unreachable(cause: NodeJS.ErrnoException, url: string): DiscoveryError {
  const tls = url.startsWith('https:') ? ', and that `tls` fits' : ''
  const way = `check that the agent runs and that the address is right${tls}`
  return new DiscoveryError('unreachable', `Consul can't be reached at ${url} (${cause.code ?? cause.message}); ${way}`)
}

export function timedOut(url: string): DiscoveryError {
  const way = 'check that the agent is not overloaded and that nothing between drops connections'
  return new DiscoveryError('timeout', `Consul did not answer ${url} in time; ${way}`)
}

/** Every mark is optional: any error fits. */
function isPapiError(cause: unknown): cause is PapiError {
  return cause instanceof Error
}

/** An answer that came whole but can't be what Consul says. */
export function unreadable(url: string, reason: string): DiscoveryError {
  const message = `The answer of ${url} can't be read: ${reason}; check that the address is that of Consul's HTTP API`
  return new DiscoveryError('unreadable', message)
}

/** An answer without the rows that the token may not read. */
export function denied(url: string): DiscoveryError {
  const message = `Consul's ACLs hide instances from ${url}; give the token service:read and node:read for them`
  return new DiscoveryError('denied', message)
}

/** @param body where it is text */
export function refused(status: number, body: unknown, url: string): DiscoveryError {
  if (status === 401 || status === 403) return denied(url)
  const said = oneLine(body)
  // A filter that it does not understand is an error of the server to Consul.
  const way = said.includes('boolean expression evaluator') ? 'mend the `filter` of the subset' : wayOut(status)
  return new DiscoveryError('status', `Consul answered ${status}${said} to ${url}; ${way}`)
}

function wayOut(status: number): string {
  if (status === 429) return "it limits requests: raise the agent's limits (http_max_conns_per_client, request_limits)"
  if (status >= 500) return 'check that its servers run and have a leader'
  return "check that the address is that of Consul's HTTP API"
}

/** The body in parentheses, shortened and without control characters. */
function oneLine(body: unknown): string {
  const text = Buffer.isBuffer(body) ? body.toString() : typeof body === 'string' ? body : ''
  const shown = text
    .slice(0, shownBodyChars)
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return shown === '' ? '' : ` (${shown})`
}
