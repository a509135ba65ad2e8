import type { MatchInput, RouteRule } from '../../src/core/route.ts'
import { buildTable } from '../../src/routing/table.ts'
import { normalizeHost } from '../../src/util/host.ts'
import { normalizePath } from '../../src/util/path.ts'
import { measure, report } from './harness.ts'

const areas = ['api', 'svc', 'internal', 'v1']
const subjects = ['user', 'order', 'billing', 'cart', 'search']

function rule(index: number, host: string | null): { rule: RouteRule } {
  const path = `/${areas[index % areas.length]}/${subjects[index % subjects.length]}-service-${index}`
  const fixed = { methods: null, headers: [], stripPrefix: false, prependPath: null, rewriteHost: false }
  return { rule: { ...fixed, id: `r${index}`, host, path, service: 's', timeoutMs: 30_000, retryAttempts: 1 } }
}

/** Strings as an engine makes them: cut out of a request head. */
function requests(routes: readonly { rule: RouteRule }[], host: (index: number) => string): MatchInput[] {
  return Array.from({ length: 512 }, (_, index) => {
    const { path } = routes[(index * 7919) % routes.length]!.rule
    const head = `GET ${path}/items/${index}/detail HTTP/1.1\r\nhost: ${host((index * 7919) % routes.length)}\r\n\r\n`
    const latin1 = Buffer.from(head).toString('latin1')
    return {
      method: latin1.slice(0, 3),
      path: latin1.slice(4, latin1.indexOf(' HTTP')),
      host: latin1.slice(latin1.indexOf('host: ') + 6, -4),
      header: () => null,
    }
  })
}

function measureMatches(name: string, routes: readonly { rule: RouteRule }[], inputs: readonly MatchInput[]): void {
  const table = buildTable(routes)
  const measured = measure((operations) => {
    let found = 0
    for (let i = 0; i < operations; i++) if (table.match(inputs[i % 512]!) !== null) found++
    return found
  })
  report(name, measured)
}

for (const size of [1, 100, 1000, 10_000]) {
  const any = Array.from({ length: size }, (_, index) => rule(index, null))
  const named = Array.from({ length: size }, (_, index) => rule(index, `host-${index}.example.com`))
  const wild = Array.from({ length: size }, (_, index) => rule(index, `*.zone-${index}.example.com`))
  measureMatches(
    `${size} routes without host`,
    any,
    requests(any, () => 'gateway.example.com'),
  )
  measureMatches(
    `${size} routes, a host each`,
    named,
    requests(named, (index) => `host-${index}.example.com`),
  )
  measureMatches(
    `${size} routes, a wildcard each`,
    wild,
    requests(wild, (index) => `a.zone-${index}.example.com`),
  )
}

const inputs = requests([rule(0, null)], () => 'gateway.example.com')
const dotted = inputs.map(({ path }) => `/static/..${path}`)
report(
  'normalizePath, in normal form',
  measure((operations) => {
    let length = 0
    for (let i = 0; i < operations; i++) length += normalizePath(inputs[i % 512]!.path)?.length ?? 0
    return length
  }),
)
report(
  'normalizePath, dot segments',
  measure((operations) => {
    let length = 0
    for (let i = 0; i < operations; i++) length += normalizePath(dotted[i % 512]!)?.length ?? 0
    return length
  }),
)
report(
  'normalizeHost, in normal form',
  measure((operations) => {
    let length = 0
    for (let i = 0; i < operations; i++) length += normalizeHost(inputs[i % 512]!.host)?.length ?? 0
    return length
  }),
)
