import { browserFields } from './browser-fields.ts'
import type { KeyType } from './certificates.ts'
import type { Sending } from './generators/index.ts'

/** What the load generator sends. */
export interface Load {
  readonly sending: Sending
  readonly connections: number
  /** After the prefix of the route. */
  readonly path: '' | '/json' | '/16k' | '/1m'
  readonly headers: readonly string[]
  /** 0 sends GET, anything else POST. */
  readonly requestBodyBytes: number
}

/** How large a configuration is. */
export interface Shape {
  readonly routes: number
  readonly instancesPerRoute: number
  /** Of the proxy. With two, it has two CPUs. */
  readonly threads: 1 | 2
}

/**
 * What a case is about: CPU per request; p99 at a rate that leaves room; or how many more requests two threads serve than one.
 * A proxy's CPUs are its own in the first two.
 */
export type Figure = 'cpu' | 'p99' | 'speedup'

export interface Case {
  readonly title: string
  readonly figure: Figure
  readonly load: Load
  /** Every competitor is measured with each. The first is what the case is about, the last what it is compared with. */
  readonly shapes: readonly Shape[]
  readonly accessLog: boolean
  /** Key of the certificate that the proxy serves TLS with; null = plain TCP. The origin is reached without TLS. */
  readonly tls: KeyType | null
  /** The most CPU per request that we mean to need, as a ratio to nginx; absent where nothing was set. */
  readonly aim?: number
  /** Those that are measured, where they are installed. */
  readonly competitors: readonly string[]
}

export const oneRoute: Shape = { routes: 1, instancesPerRoute: 3, threads: 1 }

/** Of its own peak, what a proxy gets in the case about a constant rate. */
export const shareOfPeak = 0.7

const native = ['tidegate', 'nginx', 'haproxy', 'caddy']
const everyone = [...native, 'http-proxy', 'http-proxy-3', 'fast-proxy', '@fastify/http-proxy']

const smallGet: Load = {
  sending: 'as-fast-as-answered',
  connections: 64,
  path: '/json',
  headers: [],
  requestBodyBytes: 0,
}
const plain = {
  figure: 'cpu',
  shapes: [oneRoute],
  accessLog: false,
  tls: null,
  competitors: everyone,
} as const satisfies Partial<Case>
const secured = { ...plain, tls: 'ecdsa', competitors: native } as const satisfies Partial<Case>
const handshakes: Load = { ...smallGet, sending: 'new-sessions', connections: 16 }

/** The keys are the values of `--case`, in the order in which `--case all` measures them. */
export const cases = {
  json: {
    ...plain,
    title: 'small JSON response',
    aim: 1.2,
    load: smallGet,
    competitors: ['tidegate', 'tidegate standard', ...everyone.slice(1)],
  },
  headers: {
    ...plain,
    title: 'small JSON response, 20 request headers',
    aim: 1.3,
    load: { ...smallGet, headers: browserFields },
  },
  varied: {
    ...plain,
    title: 'requests that differ, 8 headers; responses of 120 B to 12 KiB',
    load: { ...smallGet, sending: 'varied', path: '' },
  },
  '16k': { ...plain, title: '16 KiB response', aim: 1.2, load: { ...smallGet, path: '/16k' } },
  '1m': { ...plain, title: '1 MiB response', aim: 0.7, load: { ...smallGet, path: '/1m' } },
  post16k: { ...plain, title: '16 KiB POST', aim: 1.3, load: { ...smallGet, requestBodyBytes: 16 * 1024 } },
  rate: {
    ...plain,
    title: `small JSON response at ${shareOfPeak * 100} % of its own peak rate`,
    figure: 'p99',
    load: { ...smallGet, sending: 'constant-rate' },
    competitors: ['tidegate', 'nginx', 'haproxy'],
  },
  threads: {
    ...plain,
    title: 'small JSON response, two threads and one',
    figure: 'speedup',
    load: smallGet,
    shapes: [{ ...oneRoute, threads: 2 }, oneRoute],
    competitors: ['tidegate', 'nginx', 'haproxy'],
  },
  tls: { ...secured, title: 'small JSON response over TLS 1.3', aim: 1.4, load: smallGet },
  'tls-resume': {
    ...secured,
    title: 'a TLS 1.3 connection per request, session resumed',
    load: { ...handshakes, sending: 'resumed-sessions' },
  },
  'tls-handshake-ecdsa': {
    ...secured,
    title: 'a TLS 1.3 connection per request, full handshake, ECDSA P-256',
    aim: 1.2,
    load: handshakes,
  },
  'tls-handshake-rsa': {
    ...secured,
    title: 'a TLS 1.3 connection per request, full handshake, RSA 2048',
    aim: 1.2,
    load: handshakes,
    tls: 'rsa',
  },
  'access-log': {
    ...plain,
    title: 'small JSON response, access log on',
    aim: 1.3,
    load: smallGet,
    accessLog: true,
    competitors: native,
  },
  routes: {
    ...plain,
    title: '1,000 routes × 100 instances',
    load: smallGet,
    shapes: [{ routes: 1000, instancesPerRoute: 100, threads: 1 }, oneRoute],
    competitors: ['tidegate', 'nginx'],
  },
  'connections-1': { ...plain, title: 'small JSON response', load: { ...smallGet, connections: 1 } },
  'connections-512': { ...plain, title: 'small JSON response', load: { ...smallGet, connections: 512 } },
  close: {
    ...plain,
    title: 'small JSON response, a new connection per request',
    load: { ...smallGet, headers: ['Connection: close'] },
  },
} as const satisfies Readonly<Record<string, Case>>

export type CaseName = keyof typeof cases

export function isCaseName(name: string): name is CaseName {
  return Object.hasOwn(cases, name)
}
