import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Competitor, Work } from '../competitor.ts'
import { commandVersion, missingCommand } from './installed.ts'
import { onlyRoute } from './only-route.ts'

export const haproxy: Competitor = {
  name: 'haproxy',
  available: () => missingCommand('haproxy', '-v'),
  version: () => commandVersion('haproxy', '-v'),
  start(work, launch) {
    onlyRoute(work)
    const file = join(work.directory, 'haproxy.cfg')
    writeFileSync(file, configuration(work))
    return launch('haproxy', ['-db', '-f', file])
  },
}

function configuration({ port, origins, threads, connections, idleSeconds, tls, accessLog }: Work): string {
  const secured = tls === null ? '' : ` ssl crt ${tls.combined} ssl-min-ver TLSv1.2`
  const log = accessLog ? ['  log stdout format raw local0', '  option httplog'] : []
  return [
    'global',
    `  nbthread ${threads}`,
    `  maxconn ${Math.max(4000, connections + 1000)}`,
    'defaults',
    '  mode http',
    ...log,
    '  timeout connect 2s',
    `  timeout client ${idleSeconds}s`,
    '  timeout server 75s',
    '  option forwardfor',
    '  http-reuse always',
    'listen edge',
    `  bind 127.0.0.1:${port}${secured}`,
    '  balance roundrobin',
    ...origins.map((origin, index) => `  server origin-${index} ${origin}`),
    '',
  ].join('\n')
}
