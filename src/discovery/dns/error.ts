import { DiscoveryError } from '../contract.ts'
import type { Question } from './message.ts'
import type { DnsServer } from './options.ts'

/** RFC 1035 section 4.1.1, RFC 6895 section 2.3. */
export const responseCodes = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5 } as const

const codeNames: Readonly<Record<number, string>> = {
  1: 'FORMERR',
  2: 'SERVFAIL',
  4: 'NOTIMP',
  5: 'REFUSED',
  9: 'NOTAUTH',
  16: 'BADVERS',
}

export function unreachable(server: DnsServer, cause: unknown): DiscoveryError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
  return new DiscoveryError('unreachable', `${nameOf(server)} can't be reached (${code})`, { cause })
}

export function timedOut(server: DnsServer, timeoutMs: number): DiscoveryError {
  return new DiscoveryError('timeout', `${nameOf(server)} did not answer within ${timeoutMs} ms`)
}

export function unreadable(server: DnsServer, reason: string): DiscoveryError {
  return new DiscoveryError('unreadable', `what ${nameOf(server)} answered can't be read: ${reason}`)
}

export function refusal(server: DnsServer, responseCode: number): DiscoveryError {
  const said = codeNames[responseCode] ?? `code ${responseCode}`
  return new DiscoveryError('status', `${nameOf(server)} answered ${said}${hintOf(responseCode)}`)
}

/** No server had an answer; `failures` is not empty. */
export function allFailed({ type, name }: Question, failures: readonly DiscoveryError[]): DiscoveryError {
  const reasons = [...new Set(failures.map(({ message }) => message))].join('; ')
  const code = failures.at(-1)?.code ?? 'unreachable'
  return new DiscoveryError(code, `No DNS server answered for ${type} ${name}: ${reasons}; check \`servers\``)
}

function nameOf({ host, port }: DnsServer): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function hintOf(responseCode: number): string {
  return responseCode === responseCodes.refused ? ' (it does not serve that name)' : ''
}
