import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandVersion, missingCommand } from '../../macro/competitors/installed.ts'
import type { Edge, EdgeSetting } from './edge.ts'

/**
 * `proxy_next_upstream error timeout` is its default, and holds for methods that may be repeated; times as Tidegate has them by
 * default. It knows the instances from its configuration, and of their failures what requests show (`max_fails`, `fail_timeout`:
 * defaults).
 */
export const nginx: Edge = {
  available: () => missingCommand('nginx', '-v'),
  version: () => commandVersion('nginx', '-v'),
  start(setting, launch) {
    const file = join(setting.directory, 'nginx.conf')
    writeFileSync(file, configuration(setting))
    return launch('nginx', ['-p', setting.directory, '-e', 'stderr', '-c', file])
  },
}

function configuration({ port, instances, directory }: EdgeSetting): string {
  const places = ['client-body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const names = ['client_body_temp_path', ...places.slice(1).map((name) => `${name}_temp_path`)]
  return `daemon off;
user root;
pid ${directory}/nginx.pid;
worker_processes auto;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  ${names.map((name, i) => `${name} ${directory}/${places[i]};`).join(' ')}
  upstream service {
    zone service 64k;
    ${instances.map((instance) => `server ${instance};`).join(' ')}
    keepalive 256;
    keepalive_timeout 4s;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} reuseport;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_next_upstream error timeout;
    proxy_connect_timeout 2s;
    proxy_read_timeout 15s;
    location / { proxy_pass http://service; }
  }
}
`
}
