import { z } from 'zod'
import type { StatusRange } from '../../core/health-check.ts'
import { normalizeHost } from '../../util/host.ts'
import { healthCheckDefaults as defaults } from '../defaults.ts'
import { InvalidValue } from '../invalid-value.ts'
import { duration, integer, parsedText, settle } from './fields.ts'

const expected = 'expected a status such as 204, or a range such as "200-399"'

const statuses = z
  .union([z.string(), z.number()], { error: expected })
  .transform((written, context) => settle(() => parseStatuses(String(written)), { context, input: written }))
  .meta({ pattern: String.raw`^\d{3}(-\d{3})?$|\$\{` })

/** Keys of a health check as one place states them; what it comes to is for `normalizeHealthCheck`. */
export const healthCheck = z.strictObject({
  path: parsedText(parseCheckPath)
    .optional()
    .describe('Path, with query, of a GET. This or `tcp` makes a health check.'),
  tcp: z
    .boolean()
    .optional()
    .describe('true = it is enough that a connection is accepted (with `tls`, the handshake done).'),
  port: integer(1, 65_535)
    .nullable()
    .optional()
    .describe('Port that is asked. null = the one that the registry says.')
    .meta({ fallback: defaults.port }),
  host: parsedText(parseHostField)
    .nullable()
    .optional()
    .describe("Host field of the GET. null = the endpoint's name or address.")
    .meta({ fallback: defaults.host }),
  statuses: z
    .array(statuses)
    .min(1)
    .optional()
    .describe('Statuses of a healthy answer. Redirects are not followed.')
    .meta({ fallback: defaults.statuses }),
  interval: duration()
    .optional()
    .describe(
      'From one answer to the next check, ±10 %; at least 100 ms. Three times that while traffic proves that the endpoint is well.',
    )
    .meta({ fallback: defaults.interval }),
  timeout: duration()
    .optional()
    .describe('For connecting, the handshake and the whole answer together.')
    .meta({ fallback: defaults.timeout }),
  healthyAfter: integer(1, 100)
    .optional()
    .describe('Checks passed in a row that bring an endpoint back; one is enough where none has passed yet.')
    .meta({ fallback: defaults.healthyAfter }),
  unhealthyAfter: integer(1, 100)
    .optional()
    .describe('Checks failed in a row that take an endpoint out; one is enough where it is the first of all.')
    .meta({ fallback: defaults.unhealthyAfter }),
})

export type HealthCheckLayer = z.output<typeof healthCheck>

function parseStatuses(text: string): StatusRange {
  const [, first, last = first] = /^(\d{3})(?:-(\d{3}))?$/.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (first === undefined) throw new InvalidValue(`${expected}, got ${JSON.stringify(text)}`)
  if (from >= 200 && to <= 599 && from <= to) return { from, to }
  throw new InvalidValue(`${text} is no status, or range of them, within 200-599`, 'for any answer write "200-599"')
}

function parseCheckPath(text: string): string {
  if (/^\/[!-~]*$/.test(text) && !text.includes('#')) return text
  const hint = /^[!-~]+$/.test(text) && !/[:#]/.test(text) ? `write "/${text}"` : undefined
  throw new InvalidValue('must be a path that starts with /, with or without a query, percent-encoded', hint)
}

function parseHostField(text: string): string {
  if (normalizeHost(text) !== null) return text
  throw new InvalidValue(`${JSON.stringify(text)} is not a host name or address with an optional port`)
}
