import type { MatchInput, RouteRule } from '../../src/core/route.ts'
import { buildTable } from '../../src/routing/table.ts'
import type { Benchmark, Suite } from './benchmark.ts'
import { retryRule } from '../../test/support/retry-rule.ts'

const areas = ['api', 'svc', 'internal', 'v1']
const subjects = ['user', 'order', 'billing', 'cart', 'search']

function rule(index: number, host: string | null): { rule: RouteRule } {
  const path = `/${areas[index % areas.length]}/${subjects[index % subjects.length]}-service-${index}`
  const fixed = {
    methods: null,
    headers: [],
    stripPrefix: false,
    prependPath: null,
    rewriteHost: false,
    access: null,
    redirect: null,
    origin: null,
  }
  return { rule: { ...fixed, id: `r${index}`, host, path, service: 's', timeoutMs: 30_000, retry: retryRule() } }
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

interface Hosts {
  readonly name: string
  /** Of the rule; null for any. */
  readonly ruled: (index: number) => string | null
  readonly asked: (index: number) => string
}

const hosts: readonly Hosts[] = [
  { name: 'without host', ruled: () => null, asked: () => 'gateway.example.com' },
  { name: 'a host each', ruled: (i) => `host-${i}.example.com`, asked: (i) => `host-${i}.example.com` },
  { name: 'a wildcard each', ruled: (i) => `*.zone-${i}.example.com`, asked: (i) => `a.zone-${i}.example.com` },
]

function matching(size: number, { name, ruled, asked }: Hosts): Benchmark {
  const routes = Array.from({ length: size }, (_, index) => rule(index, ruled(index)))
  const table = buildTable(routes)
  const inputs = requests(routes, asked)
  return {
    name: `route match: ${size} routes, ${name}`,
    run(operations) {
      let found = 0
      for (let i = 0; i < operations; i++) if (table.match(inputs[i & 511]!) !== null) found++
      return found
    },
  }
}

export const match: Suite = () => [1, 100, 1000, 10_000].flatMap((size) => hosts.map((kind) => matching(size, kind)))
