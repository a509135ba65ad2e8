import { request as requestHttp, type ClientRequest, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type SecureContext } from 'node:tls'
import type { HealthCheck } from '../core/health-check.ts'
import type { ClientTlsSettings } from '../core/snapshot.ts'
import { clientContext, clientTls } from '../util/tls-client.ts'
import { isToItself, ownExhaustion } from './connect-probe.ts'

/** What is asked, and how. */
export interface CheckTarget {
  readonly host: string
  /** The name under which `host` was found. */
  readonly hostName: string | null
  readonly port: number
  readonly check: HealthCheck
  /** Those of the service. */
  readonly tls: ClientTlsSettings | null
}

/**
 * What one check showed. `refused` and `failed` are the endpoint's own word. `silent`: no answer in time, or none at all; to
 * somebody who stalled it looks the same. `unknown` says nothing about the endpoint: we were out of sockets, or ended.
 */
export interface CheckResult {
  readonly verdict: 'passed' | 'refused' | 'failed' | 'silent' | 'unknown'
  /** Half a sentence for humans, such as "it answered 500". */
  readonly cause: string
}

export type CheckProbe = (target: CheckTarget, signal: AbortSignal) => Promise<CheckResult>

/** What is read of a body; a longer one is left there. */
const maxBodyBytes = 65_536

const passed: CheckResult = { verdict: 'passed', cause: 'it passes' }

/** Contexts are costly with the public authorities: one for settings that are the same object. */
const contexts = new WeakMap<ClientTlsSettings, SecureContext>()

/** Checks one endpoint, over a connection of its own: a kept one that is closed meanwhile would fail the check. Never rejects. */
export const probeCheck: CheckProbe = (target, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve({ verdict: 'unknown', cause: 'the probe was ended' })
    const { check } = target
    const port = check.port ?? target.port
    const settle = (result: CheckResult) => {
      clearTimeout(deadline)
      signal.removeEventListener('abort', end)
      open.destroy()
      resolve(result)
    }
    const deadline = setTimeout(
      () => settle({ verdict: 'silent', cause: `no answer within ${check.timeoutMs} ms` }),
      check.timeoutMs,
    )
    const end = () => settle({ verdict: 'unknown', cause: 'the probe was ended' })
    signal.addEventListener('abort', end)
    const open = check.path === null ? openConnection(target, port, settle) : ask(target, port, settle)
    open.on('error', (error) => settle(resultOf(error)))
  })

function openConnection(target: CheckTarget, port: number, settle: (result: CheckResult) => void): Socket {
  const { host, tls } = target
  const socket = tls === null ? connect({ host, port }) : connectTls({ host, port, ...tlsOptions(target, tls) })
  socket.once(tls === null ? 'connect' : 'secureConnect', () => settle(isToItself(socket) ? refused : passed))
  return socket
}

function ask(target: CheckTarget, port: number, settle: (result: CheckResult) => void): ClientRequest {
  const { host, hostName, check, tls } = target
  const options: RequestOptions = {
    host,
    port,
    path: check.path,
    agent: false,
    setHost: false,
    headers: { host: check.host ?? hostField(hostName ?? host, port), 'user-agent': 'tidegate-health-check' },
  }
  const request = tls === null ? requestHttp(options) : requestHttps({ ...options, ...tlsOptions(target, tls) })
  request.once('response', (response) => {
    const { statusCode: status = 0 } = response
    if (!check.statuses.some(({ from, to }) => status >= from && status <= to))
      return settle({ verdict: 'failed', cause: `it answered ${status}` })
    let bytes = 0
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBodyBytes) settle(passed)
    })
    response.once('end', () => settle(passed))
    response.once('error', (error) => settle(resultOf(error)))
  })
  // An answer that nobody asked for, such as a 101, is none.
  request.once('upgrade', (_, socket) => {
    socket.destroy()
    settle({ verdict: 'failed', cause: 'it answered 101' })
  })
  return request.end()
}

function tlsOptions({ host, hostName }: CheckTarget, settings: ClientTlsSettings): ConnectionOptions {
  let context = contexts.get(settings)
  if (context === undefined) {
    context = clientContext(settings)
    contexts.set(settings, context)
  }
  return clientTls(context, settings.servername ?? hostName ?? host, settings.verify)
}

function hostField(host: string, port: number): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

const refused: CheckResult = { verdict: 'refused', cause: 'it refused a connection' }
const noAnswer: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'])

function resultOf(error: NodeJS.ErrnoException): CheckResult {
  const { code = '', message } = error
  if (code === 'ECONNREFUSED') return refused
  if (ownExhaustion.has(code)) return { verdict: 'unknown', cause: `we are out of sockets (${code})` }
  if (noAnswer.has(code)) return { verdict: 'silent', cause: `no whole answer (${code})` }
  return { verdict: 'failed', cause: message === '' ? code : (message.split('\n', 1)[0] as string).slice(0, 200) }
}
