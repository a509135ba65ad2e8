import { z } from 'zod'
import { parseInstanceAddress } from '../address.ts'
import { InvalidValue } from '../invalid-value.ts'
import { consul } from './consul-source.ts'
import { dnsSource } from './dns-source.ts'
import { etcd } from './etcd-source.ts'
import { integer, name, parsedText, parseName } from './fields.ts'

const mdns = z.strictObject({
  type: z
    .literal('mdns')
    .describe(
      "Hears what instances on the local network announce: go-micro's (`domain: micro.`), or DNS-SD. For development.",
    ),
  domain: parsedText(parseDomain)
    .prefault('local.')
    .describe('`local.` for DNS-SD, with services such as `_http._tcp`; `micro.` for go-micro.'),
  interfaces: z
    .array(name())
    .min(1)
    .nullable()
    .prefault(null)
    .describe(
      'Names or IPv4 addresses of the network interfaces to use; null = all that are up, the loopback interface included.',
    ),
})

const weight = integer(0, 65_535)
const bareInstance = { weight: 1, zone: '', version: '', tags: [] as string[], meta: {} as Record<string, string> }

/** As it is written in a list. */
export const instance = z
  .union([
    parsedText(parseInstanceAddress).transform((address) => ({ address, ...bareInstance })),
    z.strictObject({
      address: parsedText(parseInstanceAddress).describe('`host:port`; a host name is resolved off the request path.'),
      weight: weight.prefault(1).describe('Share of traffic relative to the other instances; 0 = none.'),
      zone: z.string().prefault('').describe('Where it runs; shown in the admin API.'),
      version: z.string().prefault('').describe('What it runs; shown in the admin API.'),
      tags: z.array(z.string()).prefault([]).describe('As a registry would list them.'),
      meta: z.record(z.string(), z.string()).prefault({}).describe('As a registry would list it.'),
    }),
  ])
  .describe('`host:port`, or an object.')

const staticList = z.strictObject({
  type: z.literal('static').describe('Instances written here; always passing.'),
  services: z
    .record(name(), z.array(instance))
    .describe(
      'Lists of instances by service name, each `host:port` or a map of the keys below. An empty list is a service without instances: its routes answer 503.',
    ),
})

const file = z.strictObject({
  type: z
    .literal('file')
    .describe(
      'Instances in a file of their own, always passing; read again when it changes. A bad file changes nothing.',
    ),
  path: z
    .string()
    .min(1)
    .describe(
      'YAML or JSON: lists of instances by service name, written as those of `static`, without `${…}`. Relative to this file.',
    ),
})

export const discovery = z
  .record(parsedText(parseSourceName), z.discriminatedUnion('type', [consul, etcd, mdns, dnsSource, staticList, file]))
  .prefault({ consul: { type: 'consul' } })
  .describe('Where instances come from, by a name of your choice; the first is the default source of services.')

export type Source =
  | z.output<typeof consul>
  | z.output<typeof etcd>
  | z.output<typeof mdns>
  | z.output<typeof dnsSource>
  | z.output<typeof staticList>
  | z.output<typeof file>

/** Objects list keys that are whole numbers first: with them the first source would not be the first in the file. */
function parseSourceName(text: string): string {
  if (/^\d+$/.test(text)) throw new InvalidValue('the name of a source is not a number', `write "source-${text}"`)
  return parseName(text)
}

function parseDomain(text: string): string {
  const domain = text.toLowerCase().replace(/\.$/, '')
  if (
    !/^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/.test(domain) ||
    domain.length > 200
  ) {
    throw new InvalidValue(`expected a domain, got ${JSON.stringify(text)}`, 'write "local." or "micro."')
  }
  return domain
}
