import { browserFields } from './browser-fields.ts'

/** What the load generator sends. */
export interface Load {
  readonly connections: number
  /** After the prefix of the route. */
  readonly path: '/json' | '/16k' | '/1m'
  readonly headers: readonly string[]
  /** 0 sends GET, anything else POST. */
  readonly requestBodyBytes: number
}

/** How large a configuration is. */
export interface Shape {
  readonly routes: number
  readonly instancesPerRoute: number
}

export interface Case {
  readonly title: string
  readonly load: Load
  /** Every competitor is measured with each; one route over three instances unless the case is about size. */
  readonly shapes: readonly Shape[]
  readonly accessLog: boolean
  /** Competitors that can do it; null = all. */
  readonly competitors: readonly string[] | null
}

export const oneRoute: Shape = { routes: 1, instancesPerRoute: 3 }

const smallGet: Load = { connections: 64, path: '/json', headers: [], requestBodyBytes: 0 }
const plain = { shapes: [oneRoute], accessLog: false, competitors: null }

/** The keys are the values of `--case`. */
export const cases = {
  json: { ...plain, title: 'small JSON response', load: smallGet },
  headers: {
    ...plain,
    title: 'small JSON response, 20 request headers',
    load: { ...smallGet, headers: browserFields },
  },
  '16k': { ...plain, title: '16 KiB response', load: { ...smallGet, path: '/16k' } },
  '1m': { ...plain, title: '1 MiB response', load: { ...smallGet, path: '/1m' } },
  post16k: { ...plain, title: '16 KiB POST', load: { ...smallGet, requestBodyBytes: 16 * 1024 } },
  'access-log': {
    ...plain,
    title: 'small JSON response, access log on',
    load: smallGet,
    accessLog: true,
    competitors: ['tidegate', 'nginx', 'haproxy', 'caddy'],
  },
  routes: {
    ...plain,
    title: '1,000 routes × 100 instances',
    load: smallGet,
    shapes: [{ routes: 1000, instancesPerRoute: 100 }, oneRoute],
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
