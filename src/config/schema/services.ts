import { z } from 'zod'
import { serviceDefaults } from '../defaults.ts'
import { parseServername } from '../address.ts'
import { parseHashKey } from '../hash-key.ts'
import { duration, integer, name, parsedText, registryName } from './fields.ts'
import { healthCheck } from './health-check.ts'

/** The balancers of this version, by the name they have in the configuration. */
export const builtBalancers = ['round-robin', 'least-request', 'p2c', 'peak-ewma', 'random', 'consistent-hash'] as const

const { outlier: outlierDefaults } = serviceDefaults

const successRate = z.strictObject({
  deviations: z
    .number()
    .min(0)
    .max(100)
    .prefault(1.9)
    .describe('Standard deviations that its share of successes has to be under the mean of all.'),
  belowPercent: z
    .number()
    .min(0)
    .max(100)
    .prefault(95)
    .describe('Share of successes that it has to be under, however good the others are.'),
  interval: duration().prefault('10s').describe('What is counted for one decision.'),
  minRequests: integer(1, 1_000_000_000)
    .prefault(100)
    .describe('Requests in the interval that an endpoint needs to be compared.'),
  minFailures: integer(1, 1_000_000_000).prefault(5).describe('Failures in the interval that it needs to be ejected.'),
  minEndpoints: integer(2, 1_000_000)
    .prefault(5)
    .describe('Endpoints that have to be comparable; with fewer nobody is ejected. With 4 none is 1.9 deviations off.'),
})

const outlier = z.strictObject({
  consecutiveFailures: integer(1, 1_000_000)
    .optional()
    .describe('Failures in a row that eject: 5xx answers, resets, bad answers, timeouts. Client aborts never count.')
    .meta({ fallback: outlierDefaults.consecutiveFailures }),
  baseEjection: duration()
    .optional()
    .describe('How long the first ejection lasts; the n-th in a row lasts n times as long.')
    .meta({ fallback: outlierDefaults.baseEjection }),
  maxEjection: duration()
    .optional()
    .describe('The longest ejection; at least `baseEjection`.')
    .meta({ fallback: outlierDefaults.maxEjection }),
  maxEjectedPercent: integer(0, 100)
    .optional()
    .describe(
      'Share of the endpoints that may be ejected at once, and never the last one. 0 = only those that refuse connections, which are not bounded.',
    )
    .meta({ fallback: outlierDefaults.maxEjectedPercent }),
  successRate: successRate
    .nullable()
    .optional()
    .describe(
      'Ejects endpoints that fail clearly more often than the others, without failing many times in a row. `{}` is enough. null = off.',
    )
    .meta({ fallback: outlierDefaults.successRate }),
})

const hash = z.strictObject({
  on: parsedText(parseHashKey).describe(
    '`client`: its address, by the rules of `trustedProxies`. `path`: without the query. `header:NAME`, `cookie:NAME`: the value; requests without it go to the less loaded of two endpoints.',
  ),
})

const subset = z.strictObject({
  tags: z.array(z.string().min(1)).prefault([]).describe('Tags that an instance has to have, all of them.'),
  version: z.string().min(1).nullable().prefault(null).describe('Its version, exactly. null = any.'),
  filter: z
    .string()
    .min(1)
    .nullable()
    .prefault(null)
    .describe(
      'Filter expression that Consul itself goes by, such as `Service.Meta.team == "x"`; for sources of `type: consul` only. null = none.',
    ),
})

const zone = z.strictObject({
  prefer: z
    .string()
    .min(1)
    .describe('The zone whose endpoints are used before all others: mostly that of the gateway.'),
  spillBelow: integer(0, 100)
    .prefault(70)
    .describe(
      'Under this percentage of eligible endpoints, of all that are listed in the zone, those of other zones are used, too. 0 = only when none is left.',
    ),
})

const { retryBudget: budgetDefaults } = serviceDefaults

const retryBudget = z.strictObject({
  percent: integer(0, 100)
    .optional()
    .describe('Share of the requests that may bring about a retry.')
    .meta({ fallback: budgetDefaults.percent }),
  perSecond: integer(0, 10_000)
    .optional()
    .describe('On top of it, so many a second; what ten seconds bring is saved up.')
    .meta({ fallback: budgetDefaults.perSecond }),
})

const pem = z.string().min(1)

export const tls = z.strictObject({
  ca: pem
    .nullable()
    .prefault(null)
    .describe(
      'PEM file with the certificates of the authorities that are believed; relative to this file. null = the public ones that Node knows.',
    ),
  servername: parsedText(parseServername)
    .nullable()
    .prefault(null)
    .describe(
      "Name (or address) that the endpoint's certificate has to be for; a name is sent as SNI. null = the host name in the registry, or, where that has an address, the address.",
    ),
  cert: pem
    .nullable()
    .prefault(null)
    .describe('PEM file with the certificate shown to endpoints that ask for one, and its chain.'),
  key: pem.nullable().prefault(null).describe('PEM file with its key.'),
  verify: z
    .boolean()
    .prefault(true)
    .describe(
      'false = whatever certificate an endpoint shows is taken. For tests: anybody on the way can read and change everything.',
    ),
})

const listedFrom = z.strictObject({
  source: z.string().describe('Name of the source in `discovery`.'),
  name: registryName().optional().describe('Name in that registry. Default: the `name` of the service.'),
  weight: integer(0, 1000)
    .prefault(100)
    .describe(
      'What the weights of its instances count, in percent. 0 = they are listed, and get requests only where there are no others.',
    ),
})

/** Keys of a service as one place states them: its entry, `defaults.service`, or the built-in defaults. */
export const serviceLayer = z.strictObject({
  from: z
    .union([z.string(), z.array(z.union([z.string(), listedFrom])).min(1)])
    .optional()
    .describe(
      'Name of the source in `discovery` that lists the instances, or a list of such names, or of maps of the keys below. What several list at one `host:port` is one endpoint, as the first of them says that does not list it as critical. Default: the first source.',
    ),
  name: registryName().optional().describe('Name in the registry. Default: the key of this entry.'),
  subset: subset
    .nullable()
    .optional()
    .describe(
      'Only these instances of it, in all its sources: several services may share a name in the registry and take each their part. null = all.',
    )
    .meta({ fallback: serviceDefaults.subset }),
  zone: zone
    .nullable()
    .optional()
    .describe('Which zone (metadata `zone` in the registry) is preferred. null = all alike.')
    .meta({ fallback: serviceDefaults.zone }),
  balancer: z
    .enum(builtBalancers)
    .optional()
    .describe(
      '`round-robin`: in turn, by weight, exact per thread. `least-request`: fewest requests in flight, exact over all threads. `p2c`: the better of two random ones. `peak-ewma`: of two random ones that which answers sooner. `random`: by weight. `consistent-hash`: equal keys (`hash`) to one endpoint.',
    )
    .meta({ fallback: serviceDefaults.balancer }),
  hash: hash
    .nullable()
    .optional()
    .describe('The key of a request, for `balancer: consistent-hash`: required there, refused elsewhere.')
    .meta({ fallback: serviceDefaults.hash }),
  slowStart: duration({ zero: true })
    .nullable()
    .optional()
    .describe(
      'In which new and restored endpoints grow from 10 % of their weight to all of it. Endpoints of the first list have it at once. null, or 0 = none.',
    )
    .meta({ fallback: serviceDefaults.slowStart }),
  protocol: z
    .enum(['http1'])
    .optional()
    .describe('What is spoken to the instances.')
    .meta({ fallback: serviceDefaults.protocol }),
  outlier: outlier
    .optional()
    .describe('When a failing endpoint is ejected. An endpoint that refuses connections is ejected at once, always.')
    .meta({ fallback: outlierDefaults }),
  healthCheck: healthCheck
    .nullable()
    .optional()
    .describe(
      'Has endpoints asked whether they are well, by the gateway itself, once for all threads. null = the registry and the traffic decide. In `defaults.service` it may go without `path` and `tcp`: then it is for services that have one.',
    )
    .meta({ fallback: serviceDefaults.healthCheck }),
  connectTimeout: duration()
    .optional()
    .describe('For one attempt to connect; a slower one is retried on another endpoint.')
    .meta({ fallback: serviceDefaults.connectTimeout }),
  headTimeout: duration()
    .optional()
    .describe(
      'From the request fully sent to the response head. For long polls, raise it together with `timeout` of the route.',
    )
    .meta({ fallback: serviceDefaults.headTimeout }),
  idleTimeout: duration()
    .optional()
    .describe('Silence allowed in response bodies and tunnels (WebSocket).')
    .meta({ fallback: serviceDefaults.idleTimeout }),
  retryBudget: retryBudget
    .optional()
    .describe(
      'How many requests are sent again that may have reached an endpoint, over all routes and threads: when all endpoints fail, retries must not bury them.',
    )
    .meta({ fallback: budgetDefaults }),
  maxRequests: z
    .union([z.literal('auto'), integer(1, 1_000_000)])
    .nullable()
    .optional()
    .describe(
      'Requests in flight to the service, over all threads. Further ones wait. `auto` = none, until the service is seen to be overloaded: then as many as it does at a time, found out and followed. null = no limit.',
    )
    .meta({ fallback: serviceDefaults.maxRequests }),
  maxRequestsPerEndpoint: integer(1, 1_000_000)
    .nullable()
    .optional()
    .describe(
      'Requests in flight to one endpoint, over all threads; one that has so many is passed over. Where all have, requests wait. null = no limit.',
    )
    .meta({ fallback: serviceDefaults.maxRequestsPerEndpoint }),
  maxPending: integer(0, 1_000_000)
    .nullable()
    .optional()
    .describe(
      'Requests that may wait for one of these limits, over all threads; further ones get 503 `overloaded` at once. null = as many as may be in flight: a wait is about as long as a request then.',
    )
    .meta({ fallback: serviceDefaults.maxPending }),
  pendingTimeout: duration()
    .optional()
    .describe(
      'How long a request may wait before it gets 503 `overloaded`; one that is to be sent again, and finds the endpoints full that are left for it, may wait so long again.',
    )
    .meta({ fallback: serviceDefaults.pendingTimeout }),
  hold: duration({ zero: true })
    .optional()
    .describe(
      'How long instances are kept that a registry may have forgotten (it came back empty after an outage), while they still accept connections, or pass the `healthCheck`. 0 = never.',
    )
    .meta({ fallback: serviceDefaults.hold }),
  tls: tls
    .nullable()
    .optional()
    .describe(
      'TLS to the endpoints, 1.2 or later; `{}` is enough. null = plain text. Files are read again when they change.',
    )
    .meta({ fallback: serviceDefaults.tls }),
})

export const services = z
  .record(name(), serviceLayer)
  .prefault({})
  .describe(
    'Settings per service, by the name that routes use. Optional: a route may name a service that has no entry here.',
  )

export type ServiceLayer = z.output<typeof serviceLayer>

/** The layer under all others, complete. */
export function builtInService() {
  const complete = serviceLayer
    .omit({ from: true, name: true })
    .required()
    .extend({ outlier: outlier.required(), retryBudget: retryBudget.required() })
  return complete.parse(serviceDefaults)
}
