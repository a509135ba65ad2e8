import { z } from 'zod'
import { InvalidValue } from '../invalid-value.ts'
import { parsedText, settle } from './fields.ts'
import { emptyIsNull, parseRegistryUrl, requireHttps } from './registry-fields.ts'
import { tls } from './services.ts'

export const etcdFormats = ['auto', 'address', 'grpc-go', 'go-micro', 'kratos', 'go-zero', 'json'] as const

const cluster = { whose: 'an etcd member', port: 2379, secretKey: 'password' }
const member = parsedText((text) => parseRegistryUrl(text, cluster))

const httpsWay = 'write `https:` endpoints, or remove `tls`'

const entry = z.strictObject({
  type: z
    .literal('etcd')
    .describe('Follows the keys of an etcd v3 (3.4 or later): one list, then one watch, for all services together.'),
  endpoints: z
    .array(member)
    .min(1)
    .prefault(['http://127.0.0.1:2379'])
    .describe('Client URLs of the members of one cluster. One is asked at a time, the next where it fails.'),
  prefix: z
    .string()
    .prefault('/micro/services')
    .describe(
      'The children of `<prefix>/<service>/` are the instances. `/micro/registry` for go-micro, `/microservices` for Kratos, empty for go-zero.',
    ),
  format: z
    .enum(etcdFormats)
    .prefault('auto')
    .describe(
      'What the values are. `auto`: told by each value. `address`: `host:port`. `grpc-go`: `{"Op":0,"Addr":…}`. `go-micro`: its Service. `kratos`: its ServiceInstance. `go-zero`: `host:port`. `json`: `{ host or address, port, weight, zone, version, tags, meta }`.',
    ),
  username: z
    .string()
    .nullable()
    .prefault(null)
    .transform(emptyIsNull)
    .describe('User of etcd who may read the prefix; null or empty = nobody logs in.'),
  password: z.string().nullable().prefault(null).transform(emptyIsNull).describe('Shown nowhere. Write it as `${…}`.'),
  tls: tls
    .nullable()
    .prefault(null)
    .describe('TLS to `https:` endpoints. null = as Node does by itself. Files are read again when they change.'),
})

/** What only several keys together can show. */
export const etcd = entry.superRefine((source, context) => {
  const { endpoints, username, password, tls: settings } = source
  settle(() => requireUser(username, password), { context, path: ['password'], input: password })
  settle(() => requireHttps(endpoints, settings !== null, httpsWay), { context, path: ['tls'], input: settings })
})

function requireUser(username: string | null, password: string | null): void {
  if (password !== null && username === null) throw new InvalidValue('needs `username` beside it')
}
