import { z } from 'zod'
import type { Instance } from '../../core/instance.ts'
import type { SkippedEntry } from '../contract.ts'
import { toHost } from '../host-name.ts'
import { worstStatus } from './status.ts'

export interface ServiceReading {
  /** In the order of node and id. */
  readonly instances: readonly Instance[]
  readonly skipped: readonly SkippedEntry[]
  /** Whether an instance has no check but those of its node. */
  readonly hasUnchecked: boolean
}

// Go writes empty lists and maps as null, and older agents leave out what they don't know.
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')
const texts = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? [])
const textMap = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {})
const weight = z.number().min(0).catch(1)
// Only `lan` is read: Kratos keeps URLs under keys of its own.
const taggedAddresses = z
  .object({ lan: z.object({ Address: z.string(), Port: z.number().optional() }).optional().catch(undefined) })
  .nullish()
  .transform((value) => value?.lan)

const rowSchema = z.object({
  Node: z.object({ Node: z.string().min(1), Address: text, Meta: textMap }),
  Service: z.object({
    ID: z.string().min(1),
    Tags: texts,
    Address: text,
    TaggedAddresses: taggedAddresses,
    Port: z.number(),
    Weights: z.object({ Passing: weight, Warning: weight }).nullish(),
    Meta: textMap,
  }),
  Checks: z
    .array(z.object({ CheckID: z.string(), Status: z.string(), ServiceID: text }))
    .nullish()
    .transform((value) => value ?? []),
})

type Row = z.output<typeof rowSchema>

/** Maps the rows of `/v1/health/service/:service` (https://developer.hashicorp.com/consul/api-docs/health). */
export function readInstances(service: string, rows: readonly unknown[]): ServiceReading {
  const found = new Map<string, Instance>()
  const skipped: SkippedEntry[] = []
  let hasUnchecked = false
  for (const [position, value] of rows.entries()) {
    const parsed = rowSchema.safeParse(value)
    const entry = parsed.success ? `${parsed.data.Node.Node}/${parsed.data.Service.ID}` : `row ${position + 1}`
    hasUnchecked ||= parsed.data?.Checks.every((check) => check.ServiceID === '') ?? false
    const outcome = parsed.success ? instanceOf(parsed.data) : firstIssue(parsed.error)
    if (typeof outcome === 'string') skipped.push({ service, entry, reason: outcome })
    else if (found.has(entry)) skipped.push({ service, entry, reason: 'node and id are those of an earlier row' })
    else found.set(entry, outcome)
  }
  const instances = [...found.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, instance]) => instance)
  return { instances, skipped, hasUnchecked }
}

/** The instance, or why it can't be one. */
function instanceOf({ Node, Service, Checks }: Row): Instance | string {
  const [address, port] = addressOf(Node, Service)
  const host = toHost(address)
  if (address === '') return 'it has no address'
  if (host === null) return `${JSON.stringify(address)} is neither an address nor a host name`
  if (!Number.isInteger(port) || port < 1 || port > 65535) return `port ${port} is not between 1 and 65535`
  const status = worstStatus(Checks)
  const weights = Service.Weights ?? { Passing: 1, Warning: 1 }
  return Object.freeze({
    id: Service.ID,
    node: Node.Node,
    host,
    port,
    weight: status === 'warning' ? weights.Warning : weights.Passing,
    zone: Service.Meta.zone ?? Node.Meta.zone ?? '',
    version: Service.Meta.version ?? '',
    tags: Service.Tags,
    meta: Service.Meta,
    status,
  })
}

/** The service's own address, else its LAN address with that one's port, else the node's. */
function addressOf(node: Row['Node'], service: Row['Service']): readonly [address: string, port: number] {
  if (service.Address !== '') return [service.Address, service.Port]
  const lan = service.TaggedAddresses
  if (lan !== undefined && lan.Address !== '') return [lan.Address, lan.Port || service.Port]
  return [node.Address, service.Port]
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  return issue === undefined ? 'it is not a row of a service' : `${issue.path.join('.')}: ${issue.message}`
}
