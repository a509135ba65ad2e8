import { z } from 'zod'
import { parseListenAddress } from './address.ts'
import { discovery } from './schema/discovery.ts'
import { duration, integer, parsedText } from './schema/fields.ts'
import { listeners } from './schema/listeners.ts'
import { routeLayer, routes } from './schema/routes.ts'
import { serviceLayer, services } from './schema/services.ts'

const admin = z.strictObject({
  address: parsedText(parseListenAddress)
    .prefault('127.0.0.1:9900')
    .describe('`host:port` of the admin API. Off loopback `token` is required.'),
  token: z
    .string()
    .nullable()
    .prefault(null)
    .transform((token) => (token === '' ? null : token))
    .describe(
      'What clients send as `authorization: Bearer …`; null or empty = none. Shown nowhere. Write it as `${…}`. `/livez` and `/readyz` never need it.',
    ),
  publicMetrics: z.boolean().prefault(false).describe('true = `/metrics` needs no token; everything else still does.'),
})

const log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .prefault('info')
    .describe('The least important lines that are written.'),
  access: z.boolean().prefault(true).describe('One line per request.'),
})

const shutdown = z.strictObject({
  delay: duration({ zero: true })
    .prefault('0s')
    .describe('From not ready to no new connections: time for a load balancer to notice.'),
  deadline: duration({ zero: true })
    .prefault('25s')
    .describe(
      'For requests in flight after that; what is left is cut. Keep both together under the grace period of what stops the process.',
    ),
})

const defaults = z.strictObject({
  service: serviceLayer
    .prefault({})
    .describe("For all services, also those without an entry; an entry's own value wins, key by key."),
  route: routeLayer.prefault({}).describe("For all routes; an entry's own value wins, key by key."),
})

/** The one schema. Its input is what files hold (and `defineConfig` takes); its output has texts parsed and units settled. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors: where this schema is. Not used otherwise.'),
  listeners,
  admin: admin.prefault({}).describe('The admin API: health, metrics, what is routed where and why.'),
  workers: z
    .union([z.literal('auto'), integer(0, 256)], { error: 'expected auto, or a whole number from 0 to 256' })
    .prefault('auto')
    .describe(
      'Data-plane threads. `auto` = one per core; 0 = in the main thread. Where the system lets no two threads share a port there is one.',
    ),
  log: log.prefault({}).describe('JSON lines on standard output.'),
  stateDir: z
    .string()
    .min(1)
    .nullable()
    .prefault('./state')
    .describe(
      'Where the last known instances are kept, for a start while the registry is down; relative to this file. null = nowhere.',
    ),
  discovery,
  defaults: defaults.prefault({}).describe('Values for every service and every route.'),
  services,
  routes,
  shutdown: shutdown.prefault({}).describe('On SIGTERM and SIGINT: not ready, delay, stop accepting, drain, deadline.'),
  readyTimeout: duration({ zero: true })
    .prefault('30s')
    .describe(
      'How long `/readyz` waits for the first answer about every routed service before it says ready without it.',
    ),
})

/** A configuration as it is written. */
export type ConfigInput = z.input<typeof configSchema>

/** A configuration as the schema accepted it, before defaults are layered and names resolved. */
export type ParsedConfig = z.output<typeof configSchema>
