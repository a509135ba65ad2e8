import { z } from 'zod'
import { InvalidValue } from '../invalid-value.ts'
import { parsedText, settle } from './fields.ts'
import { emptyIsNull, parseRegistryUrl, requireHttps } from './registry-fields.ts'
import { tls } from './services.ts'

const entry = z.strictObject({
  type: z.literal('consul').describe('Follows the services of a Consul agent that are routed, by blocking queries.'),
  address: parsedText((text) => parseRegistryUrl(text, { whose: 'an agent', port: 8500, secretKey: 'token' }))
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
  datacenters: z
    .array(z.string().min(1))
    .min(1)
    .max(8)
    .nullable()
    .prefault(null)
    .describe(
      'Several datacenters to look in, the nearest first: instances of the next are used while those of the ones before are not enough. In place of `datacenter`. null = that one.',
    ),
  routesFromTags: parsedText(parseTagPrefix)
    .nullable()
    .prefault(null)
    .describe(
      'Tags that begin so are routes in the form of Fabio, mostly `urlprefix-`: `urlprefix-example.com/path strip=/path`. Their services need no entry here. Routes of this file win. null = tags are no routes.',
    ),
  tls: tls
    .nullable()
    .prefault(null)
    .describe('TLS to an `https:` address. null = as Node does by itself. Files are read again when they change.'),
})

/** What only several keys together can show. */
export const consul = entry.superRefine(({ address, tls: settings }, context) => {
  const place = { context, path: ['tls'], input: settings }
  settle(() => requireHttps([address], settings !== null, 'write an `https:` address, or remove `tls`'), place)
})

function parseTagPrefix(text: string): string {
  if (/^[\x21-\x7e]{2,64}$/.test(text)) return text
  throw new InvalidValue('expected what the tags begin with, 2 to 64 characters', 'write "urlprefix-", as Fabio does')
}
