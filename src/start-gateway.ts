import type { LoadedConfig } from './config/config.ts'
import { ConfigError } from './config/finding.ts'
import type { ConfigInput } from './config/schema.ts'
import { loadConfig } from './config/load.ts'
import { finish } from './config/parse.ts'
import { toPlainTree } from './config/plain-tree.ts'
import type { ConnectMiddleware } from './core/middleware.ts'
import type { Inheritance } from './handover/inheritance.ts'
import { Gateway, type GatewayAddresses, type ReloadOutcome } from './gateway.ts'
import { openLogSink } from './observe/log-sink.ts'
import { LogWriter } from './observe/log-writer.ts'
import { createLogger, type Logger } from './observe/logger.ts'

export interface StartOptions {
  /** A configuration file (YAML, JSON, TypeScript), or the configuration itself. */
  readonly config: string | ConfigInput
  /** File descriptor of the log; default 1, stdout. */
  readonly logFd?: number
  /**
   * Connect-style middlewares that every request passes, in this order, before it is routed. They need `workers: 0` and
   * `engine: standard` on every listener; default none.
   */
  readonly middlewares?: readonly ConnectMiddleware[]
  /** Listening sockets that this process was started with, for listeners at their addresses; default none. */
  readonly inheritance?: Inheritance
  /** Called after each reading of the configuration, for whoever watches the certificates and keys that it names. */
  readonly onRead?: (files: LoadedConfig['files']) => void
}

/** A gateway that serves. */
export interface RunningGateway {
  readonly addresses: GatewayAddresses
  readonly logger: Logger
  /** Each routed service with its endpoints, as the admin API shows them. */
  services(): ReturnType<Gateway['services']>
  /** Reads the file again and puts it in force; a bad one changes nothing. */
  reload(): Promise<ReloadOutcome>
  /**
   * Has a new process, started as this one was, take over the listening sockets.
   *
   * @returns its process id once it serves: this one has only to shut down then; null when everything stays as it is
   */
  handOver(): Promise<number | null>
  /** Drains as `shutdown` of the configuration says, then ends. @returns how many connections were cut */
  shutdown(): Promise<number>
  /** Ends at once, also while it drains. Does nothing when it has ended. */
  close(): Promise<void>
}

/**
 * Starts a gateway in this process.
 *
 * @throws ConfigError when the configuration has findings, GatewayError when it can't be served
 */
export async function startGateway({
  config,
  logFd = 1,
  middlewares = [],
  inheritance,
  onRead,
}: StartOptions): Promise<RunningGateway> {
  const load = () => reported(typeof config === 'string' ? loadConfig(config) : fromValue(config), onRead)
  const loaded = await load()
  const sink = openLogSink(logFd)
  const logWriter = new LogWriter(sink)
  const logger = createLogger(loaded.config.log.level, logWriter)
  // A process that ends by a second signal or an exception runs no more events; its last lines say why.
  const flushLog = () => logWriter.flushSync()
  process.on('exit', flushLog)
  let logEnded: Promise<void> | null = null
  const endLog = () =>
    (logEnded ??= logWriter.close().then(() => {
      process.off('exit', flushLog)
      sink.close()
    }))
  try {
    const gateway = await Gateway.create({
      loaded,
      load,
      logger,
      logWriter,
      logFd,
      middlewares,
      ...(inheritance !== undefined && { inheritance }),
    })
    const addresses = await gateway.start()
    return {
      addresses,
      logger,
      services: () => gateway.services(),
      reload: () => gateway.reload(),
      handOver: () => gateway.handOver(),
      async shutdown() {
        const cut = await gateway.shutdown()
        logger.info({ cut, pid: process.pid }, 'stopped')
        await endLog()
        return cut
      },
      async close() {
        await gateway.close()
        await endLog()
      },
    }
  } catch (error) {
    await endLog()
    throw error
  }
}

/** Says which files were read, whatever came of it. */
async function reported(loading: Promise<LoadedConfig>, onRead: StartOptions['onRead']): Promise<LoadedConfig> {
  try {
    const loaded = await loading
    onRead?.(loaded.files)
    return loaded
  } catch (error) {
    if (error instanceof ConfigError) onRead?.(error.files)
    throw error
  }
}

/** Relative paths in it are relative to the working directory. */
function fromValue(config: ConfigInput): Promise<LoadedConfig> {
  return finish({ ...toPlainTree(config), locate: () => null }, { file: 'tidegate.config', env: process.env })
}
