import { ApiError } from '../api-error.ts'
import { decodeError, isArrayOfStrings, type Fields } from '../fields.ts'
import type { CheckStatus } from '../model.ts'
import type { CheckDefinition, ProbeSchedule, SentProbe, TtlProbe } from './definition.ts'

export interface CheckRules {
  /** Shorter intervals are raised to this, as Consul raises them to 1 s. */
  readonly minIntervalMs: number
  /** Shorter `DeregisterCriticalServiceAfter` are raised to this, as Consul raises them to 1 min. */
  readonly minReapMs: number
}

const defaultTimeoutMs = 10_000
const defaultOutputMaxBytes = 4096
const otherKinds = 'UDP H2PING Args ScriptArgs OSService DockerContainerID AliasNode AliasService'.split(' ')

/** Decodes a check; its id is `CheckID` within a service and `ID` in a registration of its own, as Consul has it. */
export function decodeCheck(fields: Fields, idField: 'ID' | 'CheckID', rules: CheckRules): CheckDefinition {
  for (const kind of otherKinds) fields.refuse(kind, 'Use a TTL, HTTP, TCP or gRPC check.')
  fields.refuseEnterprise()
  const deregisterAfterMs = fields.durationMs('DeregisterCriticalServiceAfter')
  const definition: CheckDefinition = {
    id: fields.string(idField),
    name: fields.string('Name'),
    notes: fields.string('Notes'),
    status: readStatus(fields.string('Status')),
    probe: decodeProbe(fields, rules),
    deregisterAfterMs: deregisterAfterMs > 0 ? Math.max(deregisterAfterMs, rules.minReapMs) : null,
    outputMaxBytes: fields.integer('OutputMaxSize') || defaultOutputMaxBytes,
  }
  fields.refuseUnknown()
  if (definition.outputMaxBytes < 0) throw invalid('OutputMaxSize must be positive')
  return definition
}

function decodeProbe(fields: Fields, rules: CheckRules): TtlProbe | SentProbe {
  const ttlMs = fields.durationMs('TTL')
  const intervalMs = fields.durationMs('Interval')
  const schedule: ProbeSchedule = {
    intervalMs: Math.max(intervalMs, rules.minIntervalMs),
    timeoutMs: fields.durationMs('Timeout') || defaultTimeoutMs,
    successBeforePassing: fields.integer('SuccessBeforePassing'),
    failuresBeforeWarning: fields.integer('FailuresBeforeWarning'),
    failuresBeforeCritical: fields.integer('FailuresBeforeCritical'),
  }
  // Asked for or not: redirects are never followed.
  fields.boolean('DisableRedirects')
  const probe = decodeSent(fields, schedule)
  if (intervalMs > 0 && ttlMs > 0) throw invalid('Interval and TTL cannot both be specified')
  if (!probe) {
    if (ttlMs <= 0) throw invalid('TTL must be > 0 for TTL checks')
    return { type: 'ttl', ttlMs }
  }
  if (intervalMs <= 0) throw invalid('Interval must be > 0 for Script, HTTP, or TCP checks')
  if (schedule.timeoutMs < 0) throw invalid('Timeout must be > 0')
  return probe
}

/** Of several kinds in one check the first counts, as in Consul; undefined where there is none. */
function decodeSent(fields: Fields, schedule: ProbeSchedule): SentProbe | undefined {
  const tls = {
    tlsServerName: fields.string('TLSServerName'),
    tlsSkipVerify: fields.boolean('TLSSkipVerify'),
  }
  const http = {
    url: fields.string('HTTP'),
    method: fields.string('Method') || 'GET',
    header: fields.entries('Header', readHeaderValues) ?? {},
    body: fields.string('Body'),
  }
  const tcp = fields.string('TCP')
  const [grpc = '', ...service] = fields.string('GRPC').split('/')
  const useTls = fields.boolean('GRPCUseTLS')
  if (http.url) return { type: 'http', ...schedule, ...tls, ...http }
  if (tcp) return { type: 'tcp', ...schedule, address: tcp }
  if (grpc) return { type: 'grpc', ...schedule, ...tls, address: grpc, service: service.join('/'), useTls }
  return undefined
}

function readStatus(text: string): CheckStatus {
  if (text === '') return 'critical'
  if (isCheckStatus(text)) return text
  throw new ApiError(400, "Status for checks must 'passing', 'warning', 'critical'")
}

function readHeaderValues(value: unknown, place: string): string[] {
  if (isArrayOfStrings(value)) return value
  throw decodeError(`${place} must be a list of strings`)
}

function invalid(reason: string): ApiError {
  return new ApiError(400, `Invalid check: ${reason}`)
}

export function isCheckStatus(text: string): text is CheckStatus {
  return text === 'passing' || text === 'warning' || text === 'critical'
}
