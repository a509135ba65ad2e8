import { isIPv4, isIPv6 } from 'node:net'
import type { CheckPlan, HealthReport, Registration } from '../registration.ts'

/** Consul's check of the instance; it has one, so that renewing can find it. */
export function checkId({ id }: Registration): string {
  return `service:${id}`
}

/** The body of `/v1/agent/service/register` (https://developer.hashicorp.com/consul/api-docs/agent/service#register-service). */
export function definitionOf(registration: Registration, health: HealthReport): object {
  const { name, id, host, port, tags, meta, weight, check } = registration
  return {
    Name: name,
    ID: id,
    Address: host,
    Port: port,
    Tags: tags,
    Meta: meta,
    ...(weight !== null && { Weights: { Passing: weight, Warning: weight } }),
    Checks: [
      {
        CheckID: checkId(registration),
        Name: `Service '${name}' check`,
        ...checkOf(check),
        // The first report is known for a check that reports; for all others Consul looks first.
        ...(check.type === 'ttl' && { Status: health.status, Notes: '' }),
        ...afterDeath(registration),
      },
    ],
  }
}

function checkOf(check: CheckPlan): object {
  if (check.type === 'ttl') return { TTL: seconds(check.ttlMs) }
  const times = { Interval: seconds(check.intervalMs), Timeout: seconds(check.timeoutMs) }
  if (check.type === 'http') return { HTTP: check.url, ...times }
  if (check.type === 'tcp') return { TCP: check.address, ...times }
  return { GRPC: check.target, GRPCUseTLS: check.tls, ...times }
}

function afterDeath({ deregisterAfterMs }: Registration): object {
  return deregisterAfterMs === null ? {} : { DeregisterCriticalServiceAfter: seconds(deregisterAfterMs) }
}

function seconds(ms: number): string {
  return `${ms / 1000}s`
}

/** A service in `/v1/agent/service/…`, as far as it is compared. */
export interface AgentService {
  readonly Service: string
  readonly Address: string
  readonly Port: number
  readonly Tags: readonly string[] | null
  readonly Meta: Readonly<Record<string, string>> | null
  readonly Weights?: { readonly Passing: number; readonly Warning: number }
}

/** Whether the agent's entry says what the registration says. */
export function isAsRegistered(found: AgentService, registration: Registration): boolean {
  const { name, host, port, tags, meta, weight } = registration
  return (
    found.Service === name &&
    sameHost(found.Address, host) &&
    found.Port === port &&
    sameTexts(found.Tags ?? [], tags) &&
    sameMaps(found.Meta ?? {}, meta) &&
    (weight === null || (found.Weights?.Passing === weight && found.Weights.Warning === weight))
  )
}

function sameHost(a: string, b: string): boolean {
  return a === b || (isIPv4(a) === isIPv4(b) && isIPv6(a) === isIPv6(b) && a.toLowerCase() === b.toLowerCase())
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, position) => text === b[position])
}

function sameMaps(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}
