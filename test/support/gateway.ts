import { closeSync, createReadStream, openSync, watch } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { Decision, DecisionType } from '../../src/core/decision.ts'
import { Gateway } from '../../src/gateway.ts'
import type { GatewayOptions } from '../../src/gateway-parts.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { openLogSink } from '../../src/observe/log-sink.ts'
import { LogWriter } from '../../src/observe/log-writer.ts'
import { type RunningGateway, startGateway } from '../../src/start-gateway.ts'
import type { ThreadView } from '../../src/workers/thread-view.ts'
import { HttpClient } from './http-client.ts'
import { LogLines } from './log-lines.ts'

export interface TestGatewayOptions {
  /** Over these: one listener `edge` and the admin API on free ports, in this thread, no access log, no state file. */
  readonly config: Partial<ConfigInput> & Pick<ConfigInput, 'routes'>
  /** Module of the worker threads instead of the gateway's own. */
  readonly threadEntry?: URL
  /** What the system says of ports that threads share, instead of trying it. */
  readonly probePortSharing?: NonNullable<GatewayOptions['probePortSharing']>
}

/** Shorter than a test may take, so that it says what it waited for. */
const deadlineMs = 120_000

type EndpointView = ReturnType<RunningGateway['services']>[number]['endpoints'][number]

/** A whole gateway in this process, started from a configuration file. */
export class TestGateway {
  readonly log: LogLines
  /** One kept connection to the first listener. */
  readonly client: HttpClient
  readonly #running: RunningGateway
  readonly #admin: HttpClient
  readonly #file: string
  readonly #release: () => Promise<void>
  #isClosed = false

  constructor(running: RunningGateway, parts: { log: LogLines; file: string; release: () => Promise<void> }) {
    this.#running = running
    this.log = parts.log
    this.#file = parts.file
    this.#release = parts.release
    this.client = new HttpClient(this.port())
    this.#admin = new HttpClient(running.addresses.admin.port)
  }

  /** Where a listener serves. */
  port(listener = 'edge'): number {
    const found = this.#running.addresses.listeners.find(({ name }) => name === listener)
    if (found === undefined) throw new Error(`there is no listener ${listener}`)
    return found.port
  }

  /** A GET of the admin API, of whatever status. */
  async admin(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const { status, body } = await this.#admin.get(path)
    return { status, text: body }
  }

  async adminPost(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const { status, body } = await this.#admin.post(path)
    return { status, text: body }
  }

  async adminJson<T>(path: string): Promise<T> {
    return JSON.parse((await this.admin(path)).text) as T
  }

  /** Resolves when `/readyz` says so. An answer that changes nothing is not logged, so this asks again and again. */
  async ready(): Promise<void> {
    const until = performance.now() + deadlineMs
    while ((await this.admin('/readyz')).status !== 200) {
      if (performance.now() > until) throw new Error(`never ready: ${(await this.admin('/readyz')).text}`)
    }
  }

  /** The data threads, once they are as `isWanted` says. What they hold is not logged, so this asks again and again. */
  async threads(isWanted: (threads: readonly ThreadView[]) => boolean = () => true): Promise<readonly ThreadView[]> {
    const until = performance.now() + deadlineMs
    for (;;) {
      const { workers } = await this.adminJson<{ workers: readonly ThreadView[] }>('/api/v1/workers')
      if (isWanted(workers)) return workers
      if (performance.now() > until) throw new Error(`the threads are never as wanted: ${JSON.stringify(workers)}`)
    }
  }

  /** Decisions of these types, oldest first. */
  async timeline(...types: readonly DecisionType[]): Promise<Decision[]> {
    const { events } = await this.adminJson<{ events: Decision[] }>('/api/v1/timeline?limit=1000')
    return events.toReversed().filter(({ type }) => types.length === 0 || types.includes(type))
  }

  endpoints(service: string): readonly EndpointView[] {
    return this.#running.services().find(({ name }) => name === service)?.endpoints ?? []
  }

  /** The endpoint of an instance, if there is one. */
  endpoint(service: string, instance: string): EndpointView | undefined {
    return this.endpoints(service).find(({ id }) => instanceOf(id) === instance)
  }

  /** Resolves once exactly these instances of a service are eligible. */
  async eligible(service: string, instances: readonly string[]): Promise<void> {
    await this.log.until(`${instances.join(', ') || 'none'} of ${service} eligible`, () => {
      const eligible = this.endpoints(service).filter(({ state }) => state === 'eligible')
      return isSame(
        eligible.map(({ id }) => instanceOf(id)),
        instances,
      )
    })
  }

  /** Resolves once the service's requests, sent to `path`, are answered by exactly these instances. */
  async servedBy(service: string, path: string, instances: readonly string[]): Promise<void> {
    await this.eligible(service, instances)
    await this.answeredBy(path, instances)
  }

  /** Resolves once requests to `path` are answered by exactly these instances: lists are with the threads within 100 ms. */
  async answeredBy(path: string, instances: readonly string[]): Promise<void> {
    const wanted = instances.length === 0 ? ['gateway'] : instances
    const until = performance.now() + deadlineMs
    for (;;) {
      const seen = new Set<string>()
      for (let i = 0; i < 4 * wanted.length; i++) seen.add((await this.client.get(path)).instance ?? 'gateway')
      if (isSame([...seen], wanted)) return
      if (performance.now() > until)
        throw new Error(`${path} is answered by ${[...seen].join(', ')}, not by ${wanted.join(', ')}`)
    }
  }

  /** Puts another configuration in force: writes the file, and reloads. */
  async reconfigure(config: TestGatewayOptions['config']): ReturnType<RunningGateway['reload']> {
    await writeConfig(this.#file, config)
    return this.#running.reload()
  }

  /** Ends it at once; closing twice is harmless. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.client.close()
    this.#admin.close()
    await this.#running.close()
    await this.#release()
  }
}

export async function startTestGateway({ config, ...parts }: TestGatewayOptions): Promise<TestGateway> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegate-'))
  const file = join(directory, 'gateway.json')
  await writeConfig(file, config)
  const logFile = join(directory, 'gateway.log')
  const logFd = openSync(logFile, 'a')
  const { log, stop } = followFile(logFile)
  const release = async () => {
    stop()
    closeSync(logFd)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const running =
      Object.keys(parts).length === 0
        ? await startGateway({ config: file, logFd })
        : await startWithParts(parts, file, logFd)
    return new TestGateway(running, { log, file, release })
  } catch (error) {
    await release()
    throw error
  }
}

/** What `startGateway` does, with parts of the test's own. */
async function startWithParts(
  parts: Omit<TestGatewayOptions, 'config'>,
  file: string,
  logFd: number,
): Promise<RunningGateway> {
  const load = () => loadConfig(file)
  const loaded = await load()
  const logWriter = new LogWriter(openLogSink(logFd))
  const logger = createLogger(loaded.config.log.level, logWriter)
  const gateway = await Gateway.create({ loaded, load, logger, logWriter, logFd, ...parts })
  const addresses = await gateway.start()
  return {
    addresses,
    logger,
    services: () => gateway.services(),
    reload: () => gateway.reload(),
    handOver: () => gateway.handOver(),
    shutdown: () => gateway.shutdown(),
    async close() {
      await gateway.close()
      await logWriter.close()
    },
  }
}

async function writeConfig(file: string, config: TestGatewayOptions['config']): Promise<void> {
  const base: Partial<ConfigInput> = {
    listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
    admin: { address: '127.0.0.1:0' },
    workers: 0,
    log: { access: false },
    stateDir: null,
  }
  await writeFile(file, JSON.stringify({ ...base, ...config }))
}

function followFile(file: string): { log: LogLines; stop: () => void } {
  const log = new LogLines()
  let start = 0
  let reading = Promise.resolve()
  const readOn = async () => {
    const chunks = createReadStream(file, { start }) as AsyncIterable<Buffer>
    for await (const chunk of chunks) {
      start += chunk.length
      log.append(chunk.toString('latin1'))
    }
  }
  const watcher = watch(file, () => {
    reading = reading.then(readOn).catch(() => {})
  })
  return { log, stop: () => watcher.close() }
}

/** The instance's name in an endpoint's id. */
function instanceOf(id: string): string {
  return /([^/]+)@/.exec(id)?.[1] ?? ''
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.toSorted().join() === others.toSorted().join()
}
