import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Competitor, Work } from '../competitor.ts'
import { commandVersion, missingCommand } from './installed.ts'

export const nginx: Competitor = {
  name: 'nginx',
  available: () => missingCommand('nginx', '-v'),
  version: () => commandVersion('nginx', '-v'),
  start(work, launch) {
    const file = join(work.directory, 'nginx.conf')
    writeFileSync(file, configuration(work))
    return launch('nginx', ['-p', work.directory, '-e', 'stderr', '-c', file])
  },
}

/**
 * Tuned where its defaults cost: connections are never closed by count, enough of them are kept to the origins, no body
 * touches the disk, request bodies are passed on as they come, log lines are written 64 KiB at a time.
 */
function configuration({
  port,
  prefixes,
  origins,
  threads,
  connections,
  idleSeconds,
  tls,
  accessLog,
  directory,
}: Work): string {
  const kept = prefixes.length === 1 ? 1024 : 128
  const upstreams = prefixes.map(
    (_, index) => `upstream service-${index} {
    ${origins.map((origin) => `server ${origin};`).join(' ')}
    keepalive ${kept};
    keepalive_requests 1000000000;
  }`,
  )
  const locations = prefixes.map((prefix, index) => `location ${prefix}/ { proxy_pass http://service-${index}; }`)
  // Without a socket for each of several processes, one of them takes most connections.
  const listen = `127.0.0.1:${port}${tls === null ? '' : ' ssl'}${threads === 1 ? '' : ' reuseport'}`
  const secured =
    tls === null ? '' : `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.2 TLSv1.3;`
  return `daemon off;
user root;
pid ${directory}/nginx.pid;
worker_processes ${threads};
worker_rlimit_nofile 20000;
events { worker_connections ${Math.max(10_000, connections + 1000)}; }
http {
  log_format fields escape=json '{"time":"$time_iso8601","requestId":"$request_id","client":"$remote_addr","method":"$request_method",'
    '"host":"$http_host","url":"$request_uri","status":$status,"upstream":"$upstream_addr","requestBytes":$request_length,'
    '"responseBytes":$body_bytes_sent,"duration":$request_time,"userAgent":"$http_user_agent","referer":"$http_referer"}';
  access_log ${accessLog ? `${directory}/access.log fields buffer=64k flush=1s` : 'off'};
  keepalive_requests 1000000000;
  keepalive_timeout ${idleSeconds}s;
  client_body_buffer_size 64k;
  client_body_temp_path ${directory}/client-body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  proxy_http_version 1.1;
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $remote_addr;
  ${upstreams.join('\n  ')}
  server {
    listen ${listen};
    ${secured}
    ${locations.join('\n    ')}
  }
}
`
}
