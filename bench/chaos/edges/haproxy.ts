import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandVersion, missingCommand } from '../../macro/competitors/installed.ts'
import type { Edge, EdgeSetting } from './edge.ts'

/**
 * Checks on, and its retries as far as they are safe: after the connection failed for any method, after an empty answer where the
 * method may be repeated. Times as Tidegate has them by default.
 */
export const haproxy: Edge = {
  available: () => missingCommand('haproxy', '-v'),
  version: () => commandVersion('haproxy', '-v'),
  start(setting, launch) {
    const file = join(setting.directory, 'haproxy.cfg')
    writeFileSync(file, configuration(setting))
    return launch('haproxy', ['-db', '-f', file])
  },
}

function configuration({ port, instances }: EdgeSetting): string {
  return [
    'global',
    '  maxconn 4096',
    'defaults',
    '  mode http',
    '  timeout connect 2s',
    '  timeout client 75s',
    '  timeout server 15s',
    '  timeout check 2s',
    '  http-reuse always',
    '  option redispatch 1',
    '  retries 3',
    '  retry-on conn-failure empty-response response-timeout',
    'listen edge',
    `  bind 127.0.0.1:${port}`,
    '  balance roundrobin',
    '  option httpchk GET /health',
    '  http-request disable-l7-retry unless { method GET HEAD PUT DELETE OPTIONS }',
    '  default-server check inter 1s fall 2 rise 1',
    ...instances.map((instance, index) => `  server instance-${index} ${instance}`),
    '',
  ].join('\n')
}
