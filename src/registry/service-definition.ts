import { isIP, isIPv4 } from 'node:net'
import { ApiError } from './api-error.ts'
import { decodeCheck, type CheckRules } from './checks/decode.ts'
import type { CheckDefinition } from './checks/definition.ts'
import { refuseForeignProbe } from './checks/allowed-host.ts'
import { decodeError, Fields } from './fields.ts'
import type { Service, ServiceAddress } from './model.ts'

export interface ServiceDefinition {
  readonly service: Service
  readonly checks: readonly CheckDefinition[]
}

const maxMetaPairs = 64
const maxMetaKeyLength = 128
const maxMetaValueLength = 512
const maxWeight = 65_535

/** Decodes the body of `agent/service/register`; throws an `ApiError` 400 with Consul's words where it has any. */
export function decodeService(json: unknown, rules: CheckRules): ServiceDefinition {
  const fields = new Fields(json)
  for (const name of ['Kind', 'Proxy', 'Connect']) fields.refuse(name, 'There is no service mesh here.')
  fields.refuseEnterprise()
  const name = fields.string('Name')
  const address = fields.string('Address')
  const port = fields.integer('Port')
  const service: Service = {
    id: fields.string('ID') || name,
    name,
    tags: fields.strings('Tags'),
    meta: fields.entries('Meta', readString),
    address,
    port,
    taggedAddresses: { ...ownAddresses(address, port), ...fields.entries('TaggedAddresses', readServiceAddress) },
    weights: readWeights(fields.object('Weights')),
    enableTagOverride: fields.boolean('EnableTagOverride'),
  }
  const single = fields.object('Check')
  const several = fields.objects('Checks')
  fields.refuseUnknown()
  if (!name) throw new ApiError(400, 'Missing service name')
  if (['0.0.0.0', '::', '[::]'].includes(address)) throw new ApiError(400, 'Invalid service address')
  validateMeta(service.meta ?? {})
  const checks = [single, ...several]
    .filter((check) => check !== null)
    .filter((check) => !check.isEmpty)
    .map((check) => decodeCheck(check, 'CheckID', rules))
  for (const { probe } of checks) refuseForeignProbe(probe, service)
  return { service, checks }
}

/** Consul repeats an address that is an IP under the tags of its family. */
function ownAddresses(address: string, port: number): Record<string, ServiceAddress> {
  if (isIP(address) === 0) return {}
  const family = isIPv4(address) ? 'ipv4' : 'ipv6'
  return { [`lan_${family}`]: { address, port }, [`wan_${family}`]: { address, port } }
}

function readString(value: unknown, place: string): string {
  if (typeof value === 'string') return value
  throw decodeError(`${place} must be a string`)
}

function readServiceAddress(value: unknown, place: string): ServiceAddress {
  const fields = new Fields(value, `${place}.`)
  const address = { address: fields.string('Address'), port: fields.integer('Port') }
  fields.refuseUnknown()
  return address
}

function readWeights(fields: Fields | null): Service['weights'] {
  if (!fields) return { passing: 1, warning: 1 }
  const weights = { passing: fields.integer('Passing'), warning: fields.integer('Warning') }
  fields.refuseUnknown()
  const { passing, warning } = weights
  if (passing < 1) throw new ApiError(400, 'Invalid Weights: Passing must be greater than 0')
  if (warning < 0) throw new ApiError(400, 'Invalid Weights: Warning must be greater or equal than 0')
  if (passing > maxWeight || warning > maxWeight) {
    throw new ApiError(400, `Invalid Weights: DNS Weight must be between 0 and ${maxWeight}`)
  }
  return weights
}

function validateMeta(meta: Readonly<Record<string, string>>): void {
  const pairs = Object.entries(meta)
  if (pairs.length > maxMetaPairs) throw new ApiError(400, `Invalid Service Meta: at most ${maxMetaPairs} pairs`)
  for (const [key, value] of pairs) {
    const wrong =
      (key === '' && 'Key cannot be blank') ||
      (!/^[\w-]+$/.test(key) && 'Key contains invalid characters') ||
      (key.length > maxMetaKeyLength && `Key is too long (limit: ${maxMetaKeyLength} characters)`) ||
      (key.startsWith('consul-') && "Key prefix 'consul-' is reserved for internal use") ||
      (value.length > maxMetaValueLength && `Value is too long (limit: ${maxMetaValueLength} characters)`)
    if (wrong) {
      throw new ApiError(400, `Invalid Service Meta: Couldn't load metadata pair ('${key}', '${value}'): ${wrong}`)
    }
  }
}
