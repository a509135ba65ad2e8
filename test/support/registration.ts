import type { ConsulApi } from './consul-api.ts'
import type { Instance as TestInstance } from './instance.ts'

/** What a registration says of an instance. */
type Instance = Pick<TestInstance, 'id' | 'port'>

/** `http`: Consul asks `/health` every second; `ttl`: `setCheck` says. */
export type CheckKind = 'http' | 'ttl'

export interface Registration {
  readonly service: string
  readonly instance: Instance
  /** The worst of them counts. Default none: passing from the start. */
  readonly checks?: readonly CheckKind[]
  /** Default: what Consul gives, 1. */
  readonly weight?: number
  readonly tags?: readonly string[]
}

/** Registers an instance with the agent, under its own id. A check begins as critical, as Consul has it. */
export async function register(consul: ConsulApi, registration: Registration): Promise<void> {
  const { service, instance, checks = [], weight, tags = [] } = registration
  await ask(consul, '/v1/agent/service/register?replace-existing-checks=true', {
    ID: instance.id,
    Name: service,
    Address: '127.0.0.1',
    Port: instance.port,
    Tags: tags,
    ...(weight !== undefined && { Weights: { Passing: weight, Warning: weight } }),
    Checks: checks.map((kind) => (kind === 'http' ? httpCheck(instance) : { CheckID: checkOf(instance), TTL: '10m' })),
  })
}

export async function registerAll(consul: ConsulApi, service: string, instances: readonly Instance[]): Promise<void> {
  await Promise.all(instances.map((instance) => register(consul, { service, instance })))
}

export async function deregister(consul: ConsulApi, { id }: Instance): Promise<void> {
  await ask(consul, `/v1/agent/service/deregister/${id}`)
}

export async function setMaintenance(consul: ConsulApi, { id }: Instance, enable: boolean): Promise<void> {
  await ask(consul, `/v1/agent/service/maintenance/${id}?enable=${enable}`)
}

/** Flips the TTL check. */
export async function setCheck(consul: ConsulApi, instance: Instance, to: 'pass' | 'warn' | 'fail'): Promise<void> {
  await ask(consul, `/v1/agent/check/${to}/${checkOf(instance)}`)
}

function checkOf({ id }: Instance): string {
  return `ttl-of-${id}`
}

function httpCheck({ port }: Instance): object {
  return { HTTP: `http://127.0.0.1:${port}/health`, Interval: '1s', Timeout: '10s' }
}

async function ask(consul: ConsulApi, path: string, body?: object): Promise<void> {
  const { status, text } = await consul('PUT', path, body)
  if (status !== 200) throw new Error(`Consul answered ${status} to ${path}: ${text}`)
}
