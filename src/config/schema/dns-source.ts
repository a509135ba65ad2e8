import { z } from 'zod'
import { parseDnsDomain, parseDnsServer } from '../address.ts'
import { duration, integer, parsedText } from './fields.ts'

export const dnsSource = z.strictObject({
  type: z
    .literal('dns')
    .describe(
      "Asks DNS servers for SRV or address records, again when their TTL is over. A service's `name` is the name that is asked for.",
    ),
  servers: z
    .array(parsedText(parseDnsServer))
    .prefault([])
    .describe(
      'Addresses of DNS servers, with a port where it is not 53: `10.0.0.2`, `127.0.0.1:8600` (a Consul agent), `[::1]:5353`. Asked in this order; one that fails is passed over. Empty = those of the system.',
    ),
  record: z
    .enum(['srv', 'a'])
    .prefault('srv')
    .describe('`srv`: host, port, weight and priority of each instance. `a`: an instance for each A and AAAA record.'),
  domain: parsedText(parseDnsDomain)
    .nullable()
    .prefault(null)
    .describe(
      "What is put behind each service's name: `service.consul` makes `web` `web.service.consul`. A name that ends with a dot is asked for as it is. null = nothing.",
    ),
  port: integer(1, 65_535)
    .nullable()
    .prefault(null)
    .describe("For `record: a`: the instances' port, where a service's `name` does not end with one (`web:8080`)."),
  minTtl: duration()
    .prefault('1s')
    .describe('How long an answer holds at least, whatever its TTL: Consul says 0 unless it is told otherwise.'),
  maxTtl: duration().prefault('1m').describe('How long an answer holds at most, whatever its TTL.'),
  timeout: duration()
    .prefault('2s')
    .describe('For one answer of one server. A silent server is asked twice, with all others in between.'),
})
