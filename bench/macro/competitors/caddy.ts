import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Competitor, Work } from '../competitor.ts'
import { commandVersion, missingCommand } from './installed.ts'
import { onlyRoute } from './only-route.ts'

export const caddy: Competitor = {
  name: 'caddy',
  available: () => missingCommand('caddy', 'version'),
  version: () => commandVersion('caddy', 'version'),
  start(work, launch) {
    onlyRoute(work)
    const file = join(work.directory, 'Caddyfile')
    writeFileSync(file, configuration(work))
    // It keeps files under the home directory otherwise.
    const env = { HOME: work.directory, XDG_CONFIG_HOME: work.directory, XDG_DATA_HOME: work.directory }
    return launch('caddy', ['run', '--adapter', 'caddyfile', '--config', file], env)
  },
}

function configuration({ port, origins, idleSeconds, tls, accessLog, directory }: Work): string {
  const secured = tls === null ? '' : `tls ${tls.cert} ${tls.key} {\n    protocols tls1.2 tls1.3\n  }`
  return `{
  admin off
  auto_https off
  servers {
    timeouts {
      idle ${idleSeconds}s
    }
  }
  log {
    level WARN
  }
}
${tls === null ? '' : 'https://'}:${port} {
  bind 127.0.0.1
  ${secured}
  ${accessLog ? `log {\n    output file ${directory}/access.log\n    level INFO\n  }` : ''}
  reverse_proxy ${origins.join(' ')} {
    lb_policy round_robin
    transport http {
      compression off
      keepalive_idle_conns 4096
      keepalive_idle_conns_per_host 1024
    }
  }
}
`
}
