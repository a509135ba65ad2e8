import { z } from 'zod'
import { parseInstanceAddress } from '../address.ts'
import { InvalidValue } from '../invalid-value.ts'
import { integer, name, parsedText, parseName } from './fields.ts'

const consul = z.strictObject({
  type: z.literal('consul').describe('Follows the services of a Consul agent that are routed, by blocking queries.'),
  address: parsedText(parseAgentAddress)
    .prefault('http://127.0.0.1:8500')
    .describe('URL of the agent. A path before `/v1` is kept.'),
  token: z
    .string()
    .nullable()
    .prefault(null)
    .transform(emptyIsNull)
    .describe(
      'ACL token with `service:read` and `node:read`; null or empty = none. Shown nowhere. Write it as `${…}`.',
    ),
  datacenter: z
    .string()
    .nullable()
    .prefault(null)
    .transform(emptyIsNull)
    .describe("Datacenter to ask about; null or empty = the agent's own."),
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
  .record(parsedText(parseSourceName), z.discriminatedUnion('type', [consul, staticList, file]))
  .prefault({ consul: { type: 'consul' } })
  .describe('Where instances come from, by a name of your choice; the first is the default source of services.')

export type Source = z.output<typeof consul> | z.output<typeof staticList> | z.output<typeof file>

/** Objects list keys that are whole numbers first: with them the first source would not be the first in the file. */
function parseSourceName(text: string): string {
  if (/^\d+$/.test(text)) throw new InvalidValue('the name of a source is not a number', `write "source-${text}"`)
  return parseName(text)
}

function emptyIsNull(text: string | null): string | null {
  return text === '' ? null : text
}

function parseAgentAddress(text: string): string {
  const url = /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : null
  if (url === null) {
    const looksBare = /^[\w.[\]:-]+$/.test(text) && !text.includes('://')
    throw new InvalidValue(
      `expected the URL of an agent, got ${JSON.stringify(text)}`,
      looksBare ? `write "http://${text}"` : 'write one such as "http://127.0.0.1:8500"',
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidValue('a URL with a password in it ends up in logs', 'put the credential into `token`')
  }
  if (url.search !== '' || url.hash !== '') throw new InvalidValue('the URL of an agent has no query and no fragment')
  return url.href.replace(/\/+$/, '')
}
