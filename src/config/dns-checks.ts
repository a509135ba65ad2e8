import { isHostName } from './address.ts'
import type { ServiceConfig, ServiceSourceConfig } from './config.ts'
import type { Path, Problem } from './finding.ts'
import type { ParsedConfig } from './schema.ts'
import type { Source } from './schema/discovery.ts'

type DnsSource = Extract<Source, { readonly type: 'dns' }>

/** What DNS sources and the names of their services need of each other. */
export function checkDnsSources(parsed: ParsedConfig, services: readonly ServiceConfig[]): Problem[] {
  return Object.entries(parsed.discovery).flatMap(([name, source]) => {
    if (source.type !== 'dns') return []
    const asked = services.flatMap(({ key, from }) =>
      from.flatMap((one, index) =>
        one.source === name ? checkService(one, source, pathOf({ key, index }, parsed)) : [],
      ),
    )
    return [...checkSource(source, ['discovery', name]), ...asked]
  })
}

function checkSource({ record, port, minTtl, maxTtl }: DnsSource, path: Path): Problem[] {
  const problems: Problem[] = []
  if (record === 'srv' && port !== null) {
    const message = 'SRV records say the port'
    problems.push({ path: [...path, 'port'], message, hint: 'leave it out, or write `record: a`' })
  }
  if (minTtl > maxTtl) {
    problems.push({
      path: [...path, 'minTtl'],
      message: 'is longer than maxTtl',
      hint: 'raise the one or lower the other',
    })
  }
  return problems
}

function checkService({ name }: ServiceSourceConfig, { record, domain, port }: DnsSource, path: Path): Problem[] {
  const [, bare = name, ownPort] = /^(.*):(\d+)$/.exec(name) ?? []
  const full = bare.endsWith('.') ? bare.slice(0, -1) : domain === null ? bare : `${bare}.${domain}`
  if (!isHostName(full))
    return [{ path, message: `the DNS can't be asked for ${JSON.stringify(full)}: it is no host name` }]
  if (record === 'srv') {
    return ownPort === undefined
      ? []
      : [{ path, message: 'SRV records say the port', hint: `write ${JSON.stringify(bare)}` }]
  }
  if (ownPort === undefined && port === null) {
    const hint = `write "${name}:8080" as \`name\`, or give the source a \`port\``
    return [{ path, message: `A records say no port, and ${JSON.stringify(name)} has none`, hint }]
  }
  if (ownPort === undefined || (Number(ownPort) >= 1 && Number(ownPort) <= 65_535)) return []
  return [{ path, message: `port ${ownPort} is not within 1 and 65535` }]
}

/** Where its name in that of its sources stands: in its entry, or in the first route to it. */
function pathOf(
  { key, index }: { readonly key: string; readonly index: number },
  { services, routes }: ParsedConfig,
): Path {
  const entry = services[key]
  const from = entry?.from?.[index]
  if (typeof from === 'object' && from.name !== undefined) return ['services', key, 'from', index, 'name']
  if (entry !== undefined) return entry.name === undefined ? ['services', key] : ['services', key, 'name']
  return ['routes', routes.findIndex(({ service }) => service === key), 'service']
}
