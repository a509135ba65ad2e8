import { z } from 'zod'
import { routeDefaults } from '../defaults.ts'
import { InvalidValue } from '../invalid-value.ts'
import { parseFieldName, parseFieldValue, parseHostPattern, parseMethod, parsePathPrefix } from '../match-fields.ts'
import { duration, integer, name, parsedText, settle } from './fields.ts'

const methods = z
  .array(parsedText(parseMethod))
  .min(1)
  .transform((list, context) => {
    const twice = list.findIndex((method, index) => list.indexOf(method) !== index)
    if (twice === -1) return list
    context.addIssue({ code: 'custom', message: `${list[twice]} is listed twice`, path: [twice], input: list })
    return z.NEVER
  })

const headers = z.record(z.string(), parsedText(parseFieldValue)).transform((fields, context) => {
  const lowerCase: Record<string, string> = {}
  for (const [written, value] of Object.entries(fields)) {
    const add = () => {
      const field = parseFieldName(written)
      if (Object.hasOwn(lowerCase, field)) throw new InvalidValue(`${field} is listed twice`)
      lowerCase[field] = value
    }
    settle(add, { context, path: [written], input: fields })
  }
  return lowerCase
})

const retryCauses = z
  .array(z.literal(['connect', 'reset', 'head-timeout', 502, 503, 504]))
  .transform((list, context) => {
    const twice = list.findIndex((cause, index) => list.indexOf(cause) !== index)
    if (twice === -1) return list
    context.addIssue({ code: 'custom', message: `${list[twice]} is listed twice`, path: [twice], input: list })
    return z.NEVER
  })

const retry = z.strictObject({
  attempts: integer(0, 10)
    .optional()
    .describe(
      'Further attempts after one that may have reached an endpoint, each on another endpoint. 0 = only what was never sent is tried elsewhere.',
    )
    .meta({ fallback: routeDefaults.retry.attempts }),
  on: retryCauses
    .optional()
    .describe(
      'What is retried; a list replaces the default. `connect`: nothing was sent (refused, connect timeout, TLS), any method, at once, up to 3 endpoints, whatever `attempts` says. `reset`: closed without a byte of an answer. `head-timeout`: no answer in time. 502, 503, 504: the answer of an endpoint, dropped while another one has room; the last one reaches the client as it is. All but `connect` only for idempotent methods with at most 64 KiB of body, after 25 to 250 ms, within the `retryBudget` of the service.',
    )
    .meta({ fallback: routeDefaults.retry.on }),
  perTry: duration()
    .nullable()
    .optional()
    .describe(
      'Time for the response head of one attempt, from the request fully sent; until then its endpoint has `headTimeout` of the service whenever it takes no more. null = that `headTimeout`. With `head-timeout` in `on`, another endpoint is tried then.',
    )
    .meta({ fallback: routeDefaults.retry.perTry }),
})

/** Keys of a route as one place states them: its entry, `defaults.route`, or the built-in defaults. */
export const routeLayer = z.strictObject({
  host: parsedText(parseHostPattern)
    .nullable()
    .optional()
    .describe(
      'Exact host, or `*.example.com` for every name below it. null = any. An exact host comes before a wildcard, a longer wildcard before a shorter one, both before none.',
    )
    .meta({ fallback: routeDefaults.host }),
  path: parsedText(parsePathPrefix)
    .optional()
    .describe(
      'Path prefix, matched at segment boundaries: `/api` takes `/api` and `/api/x`, not `/apix`. The longest wins. In normal form, without dot segments. Required.',
    ),
  methods: methods
    .nullable()
    .optional()
    .describe('Methods the route takes; null = all. Others go on to the next route, and are 404 when there is none.')
    .meta({ fallback: routeDefaults.methods }),
  headers: headers
    .optional()
    .describe('Header fields a request must carry with exactly these values. Names in any case.')
    .meta({ fallback: routeDefaults.headers }),
  service: name()
    .optional()
    .describe('The service that answers: a key of `services`, or a name in the registry. Required.'),
  stripPrefix: z
    .boolean()
    .optional()
    .describe('true = the endpoint gets the path without the prefix.')
    .meta({ fallback: routeDefaults.stripPrefix }),
  prependPath: parsedText(parsePathPrefix)
    .nullable()
    .optional()
    .describe('Put before the path, after stripping.')
    .meta({ fallback: routeDefaults.prependPath }),
  rewriteHost: z
    .boolean()
    .optional()
    .describe("true = the endpoint's own address as `host`; false = what the client sent.")
    .meta({ fallback: routeDefaults.rewriteHost }),
  timeout: duration()
    .optional()
    .describe(
      'For all attempts together, from the request fully received until the response head is complete. Bodies and tunnels have idle times only.',
    )
    .meta({ fallback: routeDefaults.timeout }),
  retry: retry.optional().describe('When another endpoint is tried.').meta({ fallback: routeDefaults.retry }),
})

export const routes = z
  .array(routeLayer)
  .describe(
    'Which requests go to which service. Exact host first, then path length, then number of header conditions, then methods, then the order here. Two equal routes are an error. Required, if only as `[]`.',
  )

export type RouteLayer = z.output<typeof routeLayer>

/** The layer under all others, complete but for `path` and `service`. */
export function builtInRoute() {
  const complete = routeLayer.omit({ path: true, service: true }).required().extend({ retry: retry.required() })
  return complete.parse(routeDefaults)
}
