import { z } from 'zod'
import { parseListenAddress, parseNetwork } from '../address.ts'
import { parsePathPrefix } from '../match-fields.ts'
import { duration, integer, name, parsedText, size } from './fields.ts'

const mib = 1024 ** 2

const timeouts = z.strictObject({
  head: duration()
    .prefault('10s')
    .describe(
      'From the first byte of a request to the end of its head; a slower one is 408. The first head of a connection has its time from when that was accepted: one on which nothing is said is closed without a word.',
    ),
  idle: duration().prefault('75s').describe('How long a kept-alive connection may wait for its next request.'),
  body: duration()
    .prefault('30s')
    .describe('Silence allowed while a request body arrives; not its whole duration. A longer one is 408.'),
  write: duration()
    .prefault('30s')
    .describe(
      'How long a client may take nothing of an answer that waits for it, before it is cut off. The system counts in steps of a third of its send buffer (up to 4 MiB): a client below some 50 KB/s may be cut.',
    ),
})

const limits = z.strictObject({
  headBytes: size({ min: 256, max: mib })
    .prefault('16KiB')
    .describe('Request line and header fields together; more is 431, or 414 when the target alone is longer.'),
  headFields: integer(1, 10_000).prefault(100).describe('Number of header fields; more is 431.'),
  bodyBytes: size({ min: 0, max: Number.MAX_SAFE_INTEGER })
    .nullable()
    .prefault(null)
    .describe('Request body; more is 413. null = no limit: bodies are streamed, never kept whole.'),
  connections: integer(1, 10_000_000)
    .prefault(20_000)
    .describe(
      'Open client connections of this listener, all threads together, exactly. More are told 503, 500 at a time; beyond those, and over TLS, they are closed without a word. The process needs two file descriptors for each.',
    ),
  connectionsPerClient: integer(1, 10_000_000)
    .nullable()
    .prefault(null)
    .describe(
      'The same per client address, the whole of it: who has an IPv6 network has many. null = no limit; mind clients that share an address behind a proxy.',
    ),
})

const pem = z.string().min(1)

const certificate = z.strictObject({
  cert: pem.describe('PEM file with the certificate and its chain, the certificate first; relative to this file.'),
  key: pem.describe('PEM file with its key, not encrypted.'),
})

const clientAuth = z.strictObject({
  ca: pem.describe('PEM file with the certificates of the authorities whose client certificates are accepted.'),
  mode: z
    .enum(['require', 'optional'])
    .prefault('require')
    .describe('`require`: no connection without a certificate. `optional`: none is fine, a bad one is not.'),
})

const tls = z.strictObject({
  certificates: z
    .array(certificate)
    .min(1)
    .describe(
      'A client gets the one for the host name it asks for (SNI): names are those of the certificate, an exact one before a wildcard. The first serves everybody else. Files are read again when they change.',
    ),
  minVersion: z
    .enum(['TLSv1.2', 'TLSv1.3'])
    .prefault('TLSv1.2')
    .describe('The oldest version of TLS that is spoken; the newest is 1.3.'),
  clientAuth: clientAuth
    .nullable()
    .prefault(null)
    .describe(
      'Whether clients show certificates; the endpoint then gets `x-forwarded-client-cert`. null = they are not asked.',
    ),
})

const redirectToHttps = z.strictObject({
  port: integer(1, 65_535).prefault(443).describe('Port of the address that clients are sent to.'),
  status: integer(301, 308)
    .refine((status) => redirects.includes(status), { error: 'must be 301, 302, 307 or 308' })
    .prefault(308)
    .describe('301, 302, 307 or 308; with the latter two clients keep method and body.'),
  except: z
    .array(parsedText(parsePathPrefix))
    .prefault([])
    .describe('Path prefixes that are routed as on any listener, such as `/.well-known/acme-challenge`.'),
})

const redirects: readonly number[] = [301, 302, 307, 308]

const listener = z.strictObject({
  name: name().describe('Label in metrics and logs; unique.'),
  address: parsedText(parseListenAddress).describe(
    '`host:port` to listen on, for example `0.0.0.0:8080`, `[::]:8080` or `127.0.0.1:0` (port 0 = a free one).',
  ),
  engine: z
    .enum(['fast', 'standard'])
    .prefault('fast')
    .describe(
      'How HTTP is spoken: `fast` is the forwarder on bare sockets; `standard` is node:http and http-proxy, at several times the CPU.',
    ),
  trustedProxies: z
    .array(parsedText(parseNetwork))
    .prefault([])
    .describe(
      'Addresses and networks (`10.0.0.0/8`) whose `x-forwarded-*` and `forwarded` fields are believed; those of all others are replaced.',
    ),
  timeouts: timeouts.prefault({}).describe('Times on the client side.'),
  limits: limits.prefault({}).describe('What a client may ask for.'),
  tls: tls.nullable().prefault(null).describe('Serves HTTPS. null = plain HTTP.'),
  redirectToHttps: redirectToHttps
    .nullable()
    .prefault(null)
    .describe(
      'Answers every request with a redirect to the same place over HTTPS; `{}` is enough. null = requests are routed.',
    ),
})

export const listeners = z
  .array(listener)
  .min(1)
  .prefault([{ name: 'edge', address: '0.0.0.0:8080' }])
  .describe('Where clients connect. A reload opens new ones and drains removed ones.')

export type Listener = z.output<typeof listener>
