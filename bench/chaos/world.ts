import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Consul, startConsul } from '../../test/support/consul.ts'
import { register, setMaintenance } from '../../test/support/registration.ts'
import { readAllowedCpus } from '../macro/cpus.ts'
import { Processes, type Running } from '../macro/processes.ts'
import { type EdgeSetting } from './edges/edge.ts'
import { type EdgeName, edges } from './edges/index.ts'
import { GatewayAdmin } from './gateway-admin.ts'
import { Instance } from './instance/instance.ts'
import { freePorts } from '../../test/support/free-ports.ts'
import { RegistryProxy } from './registry-proxy.ts'
import { until } from './until.ts'

/** What a fault asks of the world it strikes, in place of the defaults. */
export interface WorldSetting {
  /** Of the instances, between a request and its answer. */
  readonly latencyMs?: number
  /** Requests that an instance works on at a time. */
  readonly slots?: number
  /** Tidegate's keys of the service. */
  readonly serviceKeys?: Readonly<Record<string, unknown>>
  readonly maxOpenFiles?: number
  /** Its log, with a line for each request, goes to a pipe that another process reads. */
  readonly pipesLog?: boolean
  /** It asks Consul by way of a proxy that can be told to misbehave. */
  readonly proxiesRegistry?: boolean
}

export interface WorldOptions extends WorldSetting {
  readonly edge?: EdgeName
  readonly engine?: 'fast' | 'standard'
}

export interface LogLine {
  readonly time: string
  readonly problem?: string
}

export const service = 'user-service'
const instanceCount = 3
/** An instance that has answered so many takes part. */
const proofRequests = 10

/**
 * Real processes only: a Consul, three instances registered there without checks (what is noticed, the gateway notices), and the
 * gateway, or another proxy that has the instances in its configuration.
 */
export class World {
  readonly edgeName: EdgeName
  readonly setting: EdgeSetting
  /** Null where another proxy is the edge: nobody would ask it. */
  consul: Consul | null = null
  readonly instances: readonly [Instance, Instance, Instance]
  /** Null where another proxy is the edge. */
  readonly admin: GatewayAdmin | null
  /** Null unless it is asked for. */
  registry: RegistryProxy | null = null
  readonly #processes = new Processes()
  readonly #directory: string
  readonly #arrivals: string
  #edge: Running | null = null
  #logReader: Running | null = null
  #successor: number | null = null
  readonly #onClose: (() => Promise<void> | void)[] = []

  private constructor(parts: Pick<World, 'edgeName' | 'setting' | 'instances' | 'admin'> & { directory: string }) {
    this.edgeName = parts.edgeName
    this.setting = parts.setting
    this.instances = parts.instances
    this.admin = parts.admin
    this.#directory = parts.directory
    this.#arrivals = arrivalsIn(parts.directory)
  }

  /** Resolves when the edge serves all instances. */
  static async start(options: WorldOptions = {}): Promise<World> {
    const { edge = 'tidegate', engine = 'fast', latencyMs = 0, slots = null } = options
    const directory = mkdtempSync(join(tmpdir(), 'tidegate-chaos-'))
    const edgeDirectory = join(directory, edge)
    mkdirSync(edgeDirectory)
    const [port, adminPort, consulPort, registryPort, ...ports] = (await freePorts(4 + instanceCount)) as [
      number,
      number,
      number,
      number,
    ]
    const arrivals = arrivalsIn(directory)
    const instances = (ports as number[]).map(
      (own, i) => new Instance({ id: `instance-${i}`, port: own, latencyMs, slots, arrivals }),
    ) as [Instance, Instance, Instance]
    const setting: EdgeSetting = {
      port,
      adminPort,
      instances: instances.map((instance) => `127.0.0.1:${instance.port}`),
      consul: `http://127.0.0.1:${options.proxiesRegistry === true ? registryPort : consulPort}`,
      service,
      engine,
      serviceKeys: options.serviceKeys ?? {},
      maxOpenFiles: options.maxOpenFiles ?? null,
      logPipe: options.pipesLog === true ? join(directory, 'log') : null,
      directory: edgeDirectory,
    }
    const admin = edge === 'tidegate' ? new GatewayAdmin(adminPort) : null
    const world = new World({ edgeName: edge, setting, instances, admin, directory })
    try {
      if (options.proxiesRegistry === true) world.registry = await RegistryProxy.start(registryPort, consulPort)
      await world.#begin(consulPort)
      return world
    } catch (error) {
      await world.close()
      throw error
    }
  }

  async #begin(consulPort: number): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.start()))
    if (this.admin !== null) {
      await this.startConsul(consulPort)
      await this.registerAll()
    }
    const { setting } = this
    const cpus = readAllowedCpus().join(',')
    if (setting.logPipe !== null) {
      execFileSync('mkfifo', [setting.logPipe])
      const directory = join(this.#directory, 'log-reader')
      mkdirSync(directory)
      this.#logReader = this.#processes.start({ cpus, command: 'cat', args: [setting.logPipe], directory })
    }
    this.#edge = edges[this.edgeName].start(setting, (command, args) =>
      this.#processes.start({ cpus, command, args, directory: setting.directory }),
    )
    await this.#edge.listening(setting.port)
    if (this.admin !== null) await this.#edge.listening(setting.adminPort)
    await this.eligible(instanceCount)
  }

  /** Of the edge. */
  get pid(): number {
    return this.#successor ?? this.#edge?.pid ?? 0
  }

  /** Another process is the edge from now on. */
  succeed(pid: number): void {
    this.#successor = pid
    this.onClose(() => void kill(pid, 'SIGKILL'))
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name)
  }

  /** What it said on standard error. */
  get complaints(): string {
    return readFileSync(join(this.setting.directory, 'stderr'), 'utf8')
  }

  /** Lines of the gateway's log with this message, as far as its reader has got. */
  logged(msg: string): LogLine[] {
    const { logPipe, directory } = this.setting
    const file = join(logPipe === null ? directory : join(this.#directory, 'log-reader'), 'stdout')
    const lines = readFileSync(file, 'latin1').split('\n').slice(0, -1)
    return lines.filter((line) => line.includes(`"msg":"${msg}"`)).map((line) => JSON.parse(line) as LogLine)
  }

  /** The reader of the log stands still (SIGSTOP), or goes on. */
  readLog(isReading: boolean): void {
    if (this.#logReader !== null) process.kill(this.#logReader.pid, isReading ? 'SIGCONT' : 'SIGSTOP')
  }

  /** Throws, with what it said, when the edge has ended. */
  checkAlive(): void {
    if (this.#successor === null) this.#edge?.checkAlive()
    else if (!kill(this.#successor, 0)) throw new Error('the new process of the gateway has ended')
  }

  /** @param port default: where it was before */
  async startConsul(port = this.consul?.port): Promise<Consul> {
    this.consul = await startConsul(port === undefined ? {} : { httpPort: port })
    return this.consul
  }

  async registerAll(): Promise<void> {
    await Promise.all(this.instances.map((instance) => this.register(instance)))
  }

  async register(instance: Instance): Promise<void> {
    if (this.consul !== null) await register(this.consul.api, { service, instance })
  }

  /** Resolves when the gateway says that so many instances may be picked. */
  async eligible(count: number): Promise<void> {
    const { admin } = this
    if (admin === null) return
    let seen = ''
    const isSo = async () => {
      const { endpoints } = await admin.services(service).catch(() => ({ endpoints: [] }))
      seen = endpoints.map(({ id, state, reason }) => `${id} ${state}: ${reason}`).join('; ')
      return endpoints.filter(({ state }) => state === 'eligible').length === count
    }
    await until(() => `${count} eligible instances, of ${seen}`, isSo)
  }

  /** Resolves when the gateway says that an instance gets no new requests. */
  async drains(instance: Instance): Promise<void> {
    const { admin } = this
    if (admin === null) return
    await until(`${instance.id} to drain`, async () => {
      const { endpoints } = await admin.services(service)
      return endpoints.some(({ id, state }) => id.includes(instance.id) && state === 'draining')
    })
  }

  /** Ends all ejections; resolves when every instance may be picked. */
  async restore(): Promise<void> {
    const { admin } = this
    const { endpoints } = (await admin?.services(service)) ?? { endpoints: [] }
    for (const { id, state } of endpoints) if (state === 'ejected') await admin?.restore(id)
    await this.eligible(this.instances.length)
  }

  /** Resolves when a change in the registry has arrived, and been undone. */
  async follows(): Promise<void> {
    const { consul, instances } = this
    if (consul === null) return
    await setMaintenance(consul.api, instances[0], true)
    await this.eligible(instances.length - 1)
    await setMaintenance(consul.api, instances[0], false)
    await this.eligible(instances.length)
  }

  /** Resolves when the edge sends requests to `instance`, and has them answered. */
  async serves(instance: Instance): Promise<void> {
    await until(`requests to ${instance.id}`, async () => {
      const { received, inFlight } = await instance.counts()
      return received - inFlight >= proofRequests
    })
  }

  /** Resolves when the gateway has ejected one. */
  async ejected(): Promise<void> {
    await this.eligible(this.instances.length - 1)
  }

  /** How often each request that may not be sent twice was: those that were, as `id × times`. */
  repeated(): string[] {
    const times = new Map<string, number>()
    for (const id of readArrivals(this.#arrivals)) times.set(id, (times.get(id) ?? 0) + 1)
    return [...times].filter(([, count]) => count > 1).map(([id, count]) => `${id} × ${count}`)
  }

  onClose(closer: () => Promise<void> | void): void {
    this.#onClose.push(closer)
  }

  async close(): Promise<void> {
    for (const closer of this.#onClose.splice(0).toReversed()) await closer()
    this.readLog(true)
    await Promise.all(this.instances.map((instance) => instance.kill()))
    await this.#processes.stopAll()
    await this.registry?.close()
    await this.consul?.kill()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** False when there is no such process. */
function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

function arrivalsIn(directory: string): string {
  return join(directory, 'arrivals')
}

function readArrivals(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1)
}
