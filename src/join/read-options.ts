import { hostname } from 'node:os'
import { isIPv6 } from 'node:net'
import { didYouMean } from '../util/suggest.ts'
import { durationOption } from './duration-option.ts'
import { RegisterError } from './register-error.ts'
import type { CheckInput, DurationInput, RegisterOptions } from './register-options.ts'
import type { CheckPlan, Registration } from './registration.ts'

export const defaults = Object.freeze({
  registry: 'consul://127.0.0.1:8500',
  ttlMs: 15_000,
  checkIntervalMs: 10_000,
  checkTimeoutMs: 5000,
  deregisterAfterMs: 60_000,
  settleMs: 500,
  drainDeadlineMs: 25_000,
  joinTimeoutMs: 10_000,
})

/** The options that say when; the others make the Registration. */
export interface JoinTimes {
  readonly settleMs: number
  readonly drainDeadlineMs: number
  readonly joinTimeoutMs: number
}

const maxWeight = 65_535
/** Typed by what it has to name, so that none is forgotten. */
const knownKeys = Object.keys({
  name: true,
  port: true,
  registry: true,
  id: true,
  address: true,
  tags: true,
  meta: true,
  weight: true,
  version: true,
  zone: true,
  check: true,
  deregisterAfter: true,
  health: true,
  server: true,
  settle: true,
  drainDeadline: true,
  joinTimeout: true,
  signal: true,
  leaveOn: true,
  onEvent: true,
} satisfies Record<keyof RegisterOptions, true>)

/** @throws RegisterError `invalid`, with the option that makes no sense */
export function readTimes(options: RegisterOptions): JoinTimes {
  return {
    settleMs: durationOption('settle', options.settle, defaults.settleMs),
    drainDeadlineMs: durationOption('drainDeadline', options.drainDeadline, defaults.drainDeadlineMs),
    joinTimeoutMs: durationOption('joinTimeout', options.joinTimeout, defaults.joinTimeoutMs),
  }
}

/** @throws RegisterError `invalid`, with the option that makes no sense */
export function checkOptions(options: RegisterOptions): void {
  for (const key of Object.keys(options)) {
    if (knownKeys.includes(key)) continue
    const { hint } = didYouMean(key, knownKeys)
    throw invalid(`there is no option \`${key}\`${hint === undefined ? '' : `; ${hint}`}`)
  }
  const { name, port, weight, id } = options
  if (typeof name !== 'string' || name === '')
    throw invalid('`name` is the name of the service, a text that is not empty')
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw invalid(`\`port\` is a number from 1 to 65535, not ${String(port)}`)
  if (weight !== undefined && (!Number.isInteger(weight) || weight < 1 || weight > maxWeight)) {
    throw invalid(`\`weight\` is a whole number from 1 to ${maxWeight}, not ${weight}`)
  }
  readTimes(options)
  if (id === '') throw invalid('`id` is empty; leave it out for one made of name, host name and port')
}

/**
 * What is to stand in the registry.
 * @param host where callers connect to
 * @throws RegisterError `invalid`, with the option that makes no sense
 */
export function registrationOf(options: RegisterOptions, host: string): Registration {
  const { name, port, id, tags = [], meta = {}, weight = null, version, zone, check = {}, deregisterAfter } = options
  return Object.freeze({
    name,
    id: id ?? `${name}-${hostname()}-${port}`,
    host,
    port,
    tags: Object.freeze([...tags]),
    meta: Object.freeze({
      ...meta,
      ...(version !== undefined && { version }),
      ...(zone !== undefined && { zone }),
    }),
    weight,
    check: checkPlan(check as CheckInput, host, port),
    deregisterAfterMs:
      deregisterAfter === null ? null : durationOption('deregisterAfter', deregisterAfter, defaults.deregisterAfterMs),
  })
}

function checkPlan(check: CheckInput | Record<string, never>, host: string, port: number): CheckPlan {
  if ('http' in check) return { type: 'http', url: urlOf(check.http, host, port), ...timesOf(check) }
  if ('tcp' in check) {
    return { type: 'tcp', address: check.tcp === true ? `${bracketed(host)}:${port}` : check.tcp, ...timesOf(check) }
  }
  if ('grpc' in check) {
    const service = check.grpc === true ? '' : `/${check.grpc}`
    return { type: 'grpc', target: `${bracketed(host)}:${port}${service}`, tls: check.tls ?? false, ...timesOf(check) }
  }
  const [other] = Object.keys(check).filter((key) => key !== 'ttl')
  if (other !== undefined) throw invalid(`a \`check\` has \`ttl\`, \`http\`, \`tcp\` or \`grpc\`, not \`${other}\``)
  const ttlMs = durationOption('check.ttl', check.ttl, defaults.ttlMs)
  if (ttlMs < 1000) throw invalid('`check.ttl` is at least 1s: three heartbeats have to fit')
  return { type: 'ttl', ttlMs }
}

function timesOf(check: { readonly interval?: DurationInput; readonly timeout?: DurationInput }) {
  return {
    intervalMs: durationOption('check.interval', check.interval, defaults.checkIntervalMs),
    timeoutMs: durationOption('check.timeout', check.timeout, defaults.checkTimeoutMs),
  }
}

function urlOf(http: string, host: string, port: number): string {
  if (http.startsWith('/')) return `http://${bracketed(host)}:${port}${http}`
  if (/^https?:\/\//.test(http) && URL.canParse(http)) return http
  throw invalid(`\`check.http\` is a path such as "/health", or a URL, not ${JSON.stringify(http)}`)
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host
}

function invalid(message: string): RegisterError {
  return new RegisterError('invalid', message)
}
