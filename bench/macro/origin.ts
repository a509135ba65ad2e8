import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findFreePorts } from './ports.ts'
import type { Processes, Running } from './processes.ts'
import type { CpuPlan } from './cpus.ts'

const portCount = 3

/** What `/json` and every other path answers, to any method: 111 bytes. */
export const smallJson =
  '{"id":4711,"name":"Ada Lovelace","email":"ada@example.com","roles":["admin","author"],"active":true,"score":42}'

/** What `/items/ID/part-N` answers with is told apart by N. */
const partCount = 32

/** 120 B to 12 KiB, each a good deal larger than the one before. */
function partBytes(part: number): number {
  return Math.round(120 * 102.4 ** (part / (partCount - 1)))
}

/** The path, under a route's prefix, that tells how a request arrived. */
export const arrivalPath = '/arrival'

/** How a request arrived at the origin. */
export interface Arrival {
  readonly address: string
  readonly forwardedFor: string
  /** Requests that came on this connection so far, this one included. */
  readonly connectionRequests: number
}

export interface Origin {
  /** `host:port`, as many as asked for. */
  readonly addresses: readonly string[]
  readonly running: Running
}

/**
 * Starts nginx as the origin, on three ports. More than three addresses are these ports on further addresses of the
 * loopback network.
 *
 * @param prefixes of the routes, each of which serves the bodies and `/arrival`
 */
export async function startOrigin(
  processes: Processes,
  { cpus, directory, addressCount, prefixes }: OriginParameters,
): Promise<Origin> {
  mkdirSync(directory)
  const ports = await findFreePorts(portCount)
  const addresses = Array.from(
    { length: Math.max(addressCount, portCount) },
    (_, i) => `127.0.0.${1 + Math.floor(i / portCount)}:${ports[i % portCount]}`,
  )
  writeFileSync(join(directory, '16k'), 'x'.repeat(16 * 1024))
  writeFileSync(join(directory, '1m'), 'x'.repeat(1024 * 1024))
  for (let part = 0; part < partCount; part++)
    writeFileSync(join(directory, `part-${part}`), 'x'.repeat(partBytes(part)))
  const file = join(directory, 'nginx.conf')
  writeFileSync(file, configuration(directory, { addresses, prefixes, processes: cpus.restCount }))
  const args = ['-p', directory, '-e', 'stderr', '-c', file]
  const running = processes.start({ cpus: cpus.rest, command: 'nginx', args, directory })
  await running.listening(ports[0] as number)
  return { addresses, running }
}

export interface OriginParameters {
  readonly cpus: CpuPlan
  readonly directory: string
  readonly addressCount: number
  readonly prefixes: readonly string[]
}

interface Configuration {
  readonly addresses: readonly string[]
  readonly prefixes: readonly string[]
  readonly processes: number
}

function configuration(directory: string, { addresses, prefixes, processes }: Configuration): string {
  const arrival =
    '{"address":"$server_addr:$server_port","forwardedFor":"$http_x_forwarded_for","connectionRequests":$connection_requests}'
  const locations = prefixes.flatMap((prefix) => [
    `location = ${prefix}/16k { alias ${directory}/16k; }`,
    `location = ${prefix}/1m { alias ${directory}/1m; }`,
    `location ~ ^${prefix}/items/\\d+/(?<part>part-\\d+)$ { alias ${directory}/$part; add_header x-trace $request_id; }`,
    `location = ${prefix}${arrivalPath} { return 200 '${arrival}'; }`,
  ])
  // `return` throws a request's body away, so it takes POST too. Connections are never closed by count.
  return `daemon off;
user root;
pid ${directory}/nginx.pid;
worker_processes ${processes};
worker_rlimit_nofile 20000;
events { worker_connections 10000; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=100;
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
  client_body_temp_path ${directory}/client-body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  default_type application/json;
  server {
    ${addresses.map((address) => `listen ${address}${processes === 1 ? '' : ' reuseport'};`).join('\n    ')}
    location / { return 200 '${smallJson}'; }
    ${locations.join('\n    ')}
  }
}
`
}
