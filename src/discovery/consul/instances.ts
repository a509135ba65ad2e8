import { z } from 'zod'
import type { Instance } from '../../core/instance.ts'
import type { SkippedEntry } from '../contract.ts'
import { toHost } from '../host-name.ts'
import { TagReader } from './framework-tags.ts'
import { readKratosAddress } from './kratos-address.ts'
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
const taggedAddress = z.object({ Address: z.string(), Port: z.number().nullish() }).nullable().catch(null)
const taggedAddresses = z
  .record(z.string(), taggedAddress)
  .nullish()
  .catch(null)
  .transform((value) => value ?? {})

const rowSchema = z.object({
  Node: z.object({ Node: z.string().min(1), Datacenter: text, Address: text, Meta: textMap }),
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

/**
 * Maps the rows of `/v1/health/service/:service` (https://developer.hashicorp.com/consul/api-docs/health).
 *
 * @param routeTags what tags begin with in which `$DC` stands for the datacenter; null = none
 */
export function readInstances(
  service: string,
  rows: readonly unknown[],
  routeTags: string | null = null,
): ServiceReading {
  const found = new Map<string, Instance>()
  const skipped: SkippedEntry[] = []
  const tagReader = new TagReader(routeTags)
  let hasUnchecked = false
  for (const [position, value] of rows.entries()) {
    const parsed = rowSchema.safeParse(value)
    const entry = parsed.success ? `${parsed.data.Node.Node}/${parsed.data.Service.ID}` : `row ${position + 1}`
    hasUnchecked ||= parsed.data?.Checks.every((check) => check.ServiceID === '') ?? false
    const outcome = parsed.success ? instanceOf(parsed.data, tagReader) : firstIssue(parsed.error)
    const reasons = typeof outcome === 'string' ? [outcome] : [...outcome.problems]
    if (found.has(entry)) reasons.push('node and id are those of an earlier row')
    else if (typeof outcome !== 'string') found.set(entry, outcome.instance)
    for (const reason of reasons) skipped.push({ service, entry, reason })
  }
  const instances = [...found.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, instance]) => instance)
  return { instances, skipped, hasUnchecked }
}

/** The instance with what of it can't be used, or why it can't be one. */
function instanceOf(
  { Node, Service, Checks }: Row,
  tagReader: TagReader,
): { instance: Instance; problems: readonly string[] } | string {
  const { address, port, protocol } = addressOf(Node, Service)
  const host = toHost(address)
  if (address === '') return 'it has no address'
  if (host === null) return `${JSON.stringify(address)} is neither an address nor a host name`
  if (!Number.isInteger(port) || port < 1 || port > 65535) return `port ${port} is not between 1 and 65535`
  const status = worstStatus(Checks)
  const weights = Service.Weights ?? { Passing: 1, Warning: 1 }
  const said = tagReader.read(Service.Tags, Node.Datacenter)
  // The registry's own fields over what frameworks wrote into tags before there were such fields.
  const meta: Readonly<Record<string, string>> = {
    ...(protocol !== null && { protocol }),
    ...said.meta,
    ...Service.Meta,
  }
  const instance = Object.freeze({
    id: Service.ID,
    node: Node.Node,
    host,
    port,
    weight: status === 'warning' ? weights.Warning : weights.Passing,
    zone: meta.zone ?? Node.Meta.zone ?? '',
    version: Service.Meta.version ?? said.version ?? said.meta.version ?? '',
    tags: said.tags,
    meta,
    status,
  })
  return { instance, problems: said.problems }
}

interface ServiceAddress {
  readonly address: string
  readonly port: number
  /** Where the address says what is spoken there. */
  readonly protocol: string | null
}

/** What Kratos registered for HTTP; else the LAN address that the service tagged, its own, or that of its node. */
function addressOf(node: Row['Node'], service: Row['Service']): ServiceAddress {
  const { TaggedAddresses, Address, Port } = service
  const kratos = readKratosAddress(TaggedAddresses)
  if (kratos !== null) return kratos
  const lan = TaggedAddresses.lan
  if (lan != null && toHost(lan.Address) !== null)
    return { address: lan.Address, port: lan.Port || Port, protocol: null }
  return { address: Address === '' ? node.Address : Address, port: Port, protocol: null }
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  return issue === undefined ? 'it is not a row of a service' : `${issue.path.join('.')}: ${issue.message}`
}
