import { z } from 'zod'
import type { Instance } from '../../core/instance.ts'
import type { SkippedEntry } from '../contract.ts'
import { toHost } from '../host-name.ts'
import { keptObjects } from '../kept-objects.ts'
import { TagReader } from './framework-tags.ts'
import { readKratosAddress } from './kratos-address.ts'
import { SentRows } from './sent-rows.ts'
import { worstStatus } from './status.ts'

/** Rows of `/v1/health/service/:service`, parsed or as they were sent. */
export type ServiceRows = readonly unknown[] | SentRows

export interface ServiceReading {
  /** In the order of node and id. */
  readonly instances: readonly Instance[]
  readonly skipped: readonly SkippedEntry[]
  /** Whether an instance has no check but those of its node. */
  readonly hasUnchecked: boolean
  /** What need not be read again while it is sent as it was. */
  readonly known: readonly KnownRow[]
}

/** A row of which there was nothing to say but its instance. */
export interface KnownRow {
  readonly mark: string
  readonly instance: Instance
  readonly isUnchecked: boolean
}

interface ReadRow {
  /** For messages. */
  readonly entry: string
  readonly instance: Instance | null
  readonly isUnchecked: boolean
  /** Why there is no instance, or what of it can't be used. */
  readonly problems: readonly string[]
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

const nothing = { instances: [], known: [] }

/**
 * Maps the rows of `/v1/health/service/:service` (https://developer.hashicorp.com/consul/api-docs/health).
 *
 * @param routeTags what tags begin with in which `$DC` stands for the datacenter; null = none
 * @param before the reading before: an instance that is as it was then stays the same object, without a look at it where its row is sent as it was
 */
export function readInstances(
  service: string,
  rows: ServiceRows,
  routeTags: string | null = null,
  before: Pick<ServiceReading, 'instances' | 'known'> = nothing,
): ServiceReading {
  const found = new Map<string, Instance>()
  const skipped: SkippedEntry[] = []
  const known: KnownRow[] = []
  const knownBefore = new Map(before.known.map((row) => [row.mark, row]))
  const tagReader = new TagReader(routeTags)
  let hasUnchecked = false
  for (let position = 0; position < rows.length; position++) {
    const mark = rows instanceof SentRows ? rows.mark(position) : null
    const asBefore = mark === null ? undefined : knownBefore.get(mark)
    const row = asBefore === undefined ? readRow(rows, position, tagReader) : asRead(asBefore)
    const { entry, instance, isUnchecked, problems } = row
    hasUnchecked ||= isUnchecked
    for (const reason of problems) skipped.push({ service, entry, reason })
    if (found.has(entry)) skipped.push({ service, entry, reason: 'node and id are those of an earlier row' })
    else if (instance !== null) found.set(entry, instance)
    if (mark !== null && instance !== null && problems.length === 0)
      known.push(asBefore ?? { mark, instance, isUnchecked })
  }
  const read = [...found.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, instance]) => instance)
  const instances = keptObjects(read, before.instances)
  return { instances, skipped, hasUnchecked, known: withKept(known, read, instances) }
}

function readRow(rows: ServiceRows, position: number, tagReader: TagReader): ReadRow {
  const parsed = rowSchema.safeParse(rows instanceof SentRows ? rows.parse(position) : rows[position])
  if (!parsed.success) {
    const problems = [firstIssue(parsed.error)]
    return { entry: `row ${position + 1}`, instance: null, isUnchecked: false, problems }
  }
  const { Node, Service, Checks } = parsed.data
  const entry = entryOf(Node.Node, Service.ID)
  const isUnchecked = Checks.every((check) => check.ServiceID === '')
  const outcome = instanceOf(parsed.data, tagReader)
  if (typeof outcome === 'string') return { entry, instance: null, isUnchecked, problems: [outcome] }
  return { entry, isUnchecked, ...outcome }
}

function asRead({ instance, isUnchecked }: KnownRow): ReadRow {
  return { entry: entryOf(instance.node, instance.id), instance, isUnchecked, problems: [] }
}

/** A row may say something else and mean the same instance: it is known with the object that is kept. */
function withKept(
  known: readonly KnownRow[],
  read: readonly Instance[],
  kept: readonly Instance[],
): readonly KnownRow[] {
  if (read.every((instance, position) => instance === kept[position])) return known
  const keptOf = new Map(read.map((instance, position) => [instance, kept[position]]))
  return known.map((row) => ({ ...row, instance: keptOf.get(row.instance) ?? row.instance }))
}

function entryOf(node: string, id: string): string {
  return `${node}/${id}`
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
