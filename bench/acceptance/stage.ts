import { type Consul, startConsul } from '../../test/support/consul.ts'
import { createConfigFile, type GatewayProcess, startGatewayProcess } from '../../test/support/gateway-process.ts'
import { HttpClient } from '../../test/support/http-client.ts'

/** A real Consul and a gateway as a process of its own; what was started is stopped by `close`, in reverse. */
export class Stage {
  readonly consul: Consul
  readonly gateway: GatewayProcess
  readonly edgePort: number
  readonly #admin: HttpClient
  readonly #closers: (() => Promise<void> | void)[]

  private constructor(parts: {
    consul: Consul
    gateway: GatewayProcess
    edgePort: number
    adminPort: number
    closers: (() => Promise<void> | void)[]
  }) {
    this.consul = parts.consul
    this.gateway = parts.gateway
    this.edgePort = parts.edgePort
    this.#admin = new HttpClient(parts.adminPort)
    this.#closers = parts.closers
    this.onClose(() => this.#admin.close())
  }

  /**
   * @param routes entries of the configuration's `routes`, in its defaults but for free ports, two threads and a quiet log
   * @param source further keys of the source
   */
  static async start(
    routes: readonly { readonly path: string; readonly service: string }[],
    source: object = {},
  ): Promise<Stage> {
    const closers: (() => Promise<void> | void)[] = []
    try {
      const consul = await startConsul()
      closers.push(async () => consul.kill())
      const discovery = { consul: { type: 'consul', address: consul.address, ...source } }
      return new Stage({ consul, closers, ...(await startGateway({ discovery, routes }, closers)) })
    } catch (error) {
      await closeAll(closers)
      throw error
    }
  }

  onClose(closer: () => Promise<void> | void): void {
    this.#closers.push(closer)
  }

  async close(): Promise<void> {
    await closeAll(this.#closers)
  }

  async admin<T>(path: string): Promise<T> {
    return JSON.parse((await this.#admin.get(path)).body) as T
  }

  /** Resolves once the gateway has heard of every service it routes. */
  async ready(): Promise<void> {
    while ((await this.#admin.get('/readyz')).status !== 200);
  }
}

/** A gateway as a process of its own, over these in its defaults but for free ports, two threads and a quiet log. */
export async function startGateway(
  over: { readonly discovery: object; readonly routes: readonly object[] },
  closers: (() => Promise<void> | void)[],
): Promise<{ gateway: GatewayProcess; edgePort: number; adminPort: number }> {
  const config = {
    listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
    admin: { address: '127.0.0.1:0' },
    workers: 2,
    log: { access: false },
    ...over,
  }
  const file = await createConfigFile(JSON.stringify(config))
  closers.push(async () => file.remove())
  const gateway = startGatewayProcess(file.path)
  closers.push(async () => gateway.kill())
  const { listeners, admin } = await gateway.listening()
  return { gateway, edgePort: listeners[0]?.port ?? 0, adminPort: admin.port }
}

export async function closeAll(closers: (() => Promise<void> | void)[]): Promise<void> {
  for (const close of closers.splice(0).toReversed()) await close()
}
