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

/** With the Host field that the load generator adds these are 20, as a browser sends them to an API of its own site. */
const browserHeaders = [
  'Connection: keep-alive',
  'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"',
  'sec-ch-ua-mobile: ?0',
  'sec-ch-ua-platform: "Linux"',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept: application/json, text/plain, */*',
  'Origin: https://shop.example.com',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: cors',
  'Sec-Fetch-Dest: empty',
  'Referer: https://shop.example.com/catalogue/shoes?page=3&sort=price&size=42',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8,fr;q=0.7',
  'Cookie: session=7f3c1d5e9b2a4c6d8e0f1a2b3c4d5e6f; _ga=GA1.1.1034872234.1725459216; theme=dark; consent=all; cart=9f86d081884c7d65',
  'Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MjciLCJleHAiOjE4OTM0NTYwMDB9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbi1oZXJl',
  'Cache-Control: no-cache',
  'Pragma: no-cache',
  'Priority: u=1, i',
  'DNT: 1',
]

/** The keys are the values of `--case`. */
export const cases = {
  json: { ...plain, title: 'small JSON response', load: smallGet },
  headers: {
    ...plain,
    title: 'small JSON response, 20 request headers',
    load: { ...smallGet, headers: browserHeaders },
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
