import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findOrFetchConsul } from '../../scripts/fetch-consul.ts'
import { consulApi, type ConsulApi } from './consul-api.ts'
import { freePorts } from './free-ports.ts'
import { GuardedProcess } from './guarded-process.ts'

export interface ConsulOptions {
  /** Default: a free port. A fixed one lets a test restart Consul where its clients expect it. */
  readonly httpPort?: number
  /** Serves its API by TLS, too, on a port of its own: a fixed one lets a test restart Consul. Certificate and key are PEM files. */
  readonly tls?: { readonly port: number; readonly cert: string; readonly key: string }
  /** Serves DNS there, over UDP and TCP; 0 = on a free port. Default: not at all. */
  readonly dnsPort?: number
  /** Keeps the catalog there over restarts. Default: in memory, gone with the process. */
  readonly dataDir?: string
  /** Joins another as a server, at its LAN port and a name of its own; needs a `dataDir`. */
  readonly join?: { readonly lanPort: number; readonly nodeName: string }
  /** Another server to belong to, as a client agent with a node of its own. Default: a server by itself. */
  readonly joins?: Consul
  /** Further agent configuration, in the spelling of Consul's configuration files. */
  readonly config?: object
}

export interface Consul {
  /** For example `http://127.0.0.1:8500`. */
  readonly address: string
  readonly port: number
  /** -1 where it serves no DNS. */
  readonly dnsPort: number
  readonly pid: number
  /** Where other agents join it. */
  readonly lanPort: number
  readonly node: string
  readonly api: ConsulApi
  /** SIGTERM; resolves when the process is gone. Stopping or killing twice is harmless. */
  stop(): Promise<void>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void
  /** SIGCONT. */
  resume(): void
}

/** A row of the lists that tell whether Consul is ready. */
type Row = Record<string, unknown>

const serverName = 'consul-under-test'
const startAttempts = 3
/**
 * Starts a real Consul on loopback, a server unless it joins another, and resolves once it has a leader and has registered its own node, so that services
 * registered next are in the catalog at once. Rejects with Consul's output when it does not come up.
 */
export async function startConsul(options: ConsulOptions = {}): Promise<Consul> {
  const binary = await findOrFetchConsul()
  const { tls } = options
  for (let attempt = 1; ; attempt++) {
    const [freeHttpPort = 0, server = 0, serfLan = 0, serfWan = 0, freeDnsPort = 0] = await freePorts(5)
    const port = options.httpPort ?? freeHttpPort
    const node = options.join?.nodeName ?? (options.joins === undefined ? serverName : `client-${serfLan}`)
    const dns = options.dnsPort === 0 ? freeDnsPort : (options.dnsPort ?? -1)
    const config = {
      performance: { raft_multiplier: 1 },
      ...options.config,
      node_name: node,
      ...(options.joins !== undefined && { retry_join: [`127.0.0.1:${options.joins.lanPort}`], retry_interval: '1s' }),
      bind_addr: '127.0.0.1',
      client_addr: '127.0.0.1',
      ...(tls !== undefined && { cert_file: tls.cert, key_file: tls.key }),
      ports: { http: port, https: tls?.port ?? -1, dns, grpc: -1, server, serf_lan: serfLan, serf_wan: serfWan },
      // Consul asks HashiCorp for news otherwise.
      disable_update_check: true,
      log_level: 'INFO',
    }
    // A client keeps nothing that its cluster has not.
    const folder = options.joins === undefined ? null : await mkdtemp(join(tmpdir(), 'tidegate-consul-'))
    const mode = modeOf(options, folder)
    const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
      await agent.end(signal)
      if (folder !== null) await rm(folder, { recursive: true, force: true })
    }
    const agent = new GuardedProcess(binary, ['agent', ...mode, `-hcl=${JSON.stringify(config)}`])
    const address = `http://127.0.0.1:${port}`
    const api = consulApi(address)
    try {
      await untilReady(agent, api, { name: node, serfPort: serfLan })
    } catch (error) {
      await end('SIGKILL')
      // Between choosing a port and Consul's taking it another program may be quicker, and a port that was given may be chosen again.
      if (/address already in use|already configured/.test(agent.output) && attempt < startAttempts) continue
      throw new Error(`Consul did not start on port ${port}. Its output:\n${agent.output}`, { cause: error })
    }
    return {
      address,
      port,
      dnsPort: dns,
      pid: agent.pid,
      lanPort: serfLan,
      node,
      api,
      stop: async () => end('SIGTERM'),
      kill: async () => end('SIGKILL'),
      pause: () => agent.signal('SIGSTOP'),
      resume: () => agent.signal('SIGCONT'),
    }
  }
}

/**
 * Each line Consul logs while it starts is the occasion to ask again; once it answers, its own blocking queries do the waiting.
 * The Serf port tells our Consul from another that holds the HTTP port already.
 */
async function untilReady(
  agent: GuardedProcess,
  api: ConsulApi,
  { name, serfPort }: { readonly name: string; readonly serfPort: number },
): Promise<void> {
  for (;;) {
    const progressed = agent.nextOutput()
    const [self, leader] = await Promise.all([
      api<{ Member: { Port: number } }>('GET', '/v1/agent/self').catch(() => undefined),
      api<string>('GET', '/v1/status/leader').catch(() => undefined),
    ])
    if (self?.json?.Member.Port === serfPort && leader?.json) break
    if (!(await progressed)) throw new Error('Consul ended')
  }
  await untilAnswer(agent, api, `/v1/health/node/${name}`, (checks) =>
    checks.some((check) => check.CheckID === 'serfHealth' && check.Status === 'passing'),
  )
  // The agent adds these with its first synchronisation; services registered before that would wait for it.
  await untilAnswer(agent, api, '/v1/catalog/nodes', (nodes) => nodes.some((node) => node.TaggedAddresses !== null))
}

function modeOf({ dataDir, join: joined }: ConsulOptions, clientFolder: string | null): readonly string[] {
  if (clientFolder !== null) return [`-data-dir=${clientFolder}`]
  if (dataDir === undefined) return ['-dev']
  const first = joined === undefined ? '-bootstrap-expect=1' : `-retry-join=127.0.0.1:${joined.lanPort}`
  return ['-server', first, `-data-dir=${dataDir}`]
}

async function untilAnswer(agent: GuardedProcess, api: ConsulApi, path: string, isReady: (rows: Row[]) => boolean) {
  for (let index = '0'; ;) {
    const progressed = agent.nextOutput()
    const answer = await api<Row[]>('GET', `${path}?index=${index}&wait=10s`)
    index = answer.headers.get('x-consul-index') ?? '0'
    if (answer.json !== undefined && isReady(answer.json)) return
    if (answer.status !== 200 && !(await progressed)) throw new Error('Consul ended')
  }
}
