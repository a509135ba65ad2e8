import { watchConfig } from '../config/watch.ts'
import { takeInheritance } from '../handover/inheritance.ts'
import { type RunningGateway, startGateway } from '../start-gateway.ts'
import type { Command } from './commands.ts'
import { setHeapOptions } from './heap-options.ts'
import { PidFile } from './pid-file.ts'
import { shutdownSignal } from './signals.ts'
import { readArgs, UsageError } from './usage.ts'

export const start: Command = {
  usage: '-c FILE [--pid-file FILE]',
  summary:
    'serve; SIGTERM drains, SIGHUP or a changed file, certificates and keys included, reloads, SIGUSR2 has a new process take over',
  async run(args) {
    const { values } = readArgs({
      args,
      options: { config: { type: 'string', short: 'c' }, 'pid-file': { type: 'string' } },
    })
    if (values.config === undefined) throw new UsageError('start needs -c FILE')
    setHeapOptions()
    const inheritance = takeInheritance()
    // Asked for before anything is read: what comes while the gateway starts counts too.
    const stopping = shutdownSignal()
    // Later than that it drains, as any that serves.
    void stopping.then((name) => inheritance.predecessor?.decline(`${name} came`))
    let gateway: RunningGateway | null = null
    let pidFile: PidFile | null = null
    let isOutdated = false
    let isDraining = false
    const reload = () => {
      isOutdated = true
      if (isDraining) return
      void gateway?.reload()
    }
    const replaced = Promise.withResolvers<number>()
    let isReplacementWanted = false
    const replace = () => {
      isReplacementWanted = true
      void gateway?.handOver().then((pid) => pid !== null && replaced.resolve(pid))
    }
    const pidPath = values['pid-file'] ?? null
    const isFirst = inheritance.predecessor === null
    if (pidPath !== null && isFirst) pidFile = PidFile.prepare(pidPath)
    const watch = watchConfig(values.config, reload)
    // Not taken off again: without a listener these end the process, while it drains too.
    process.on('SIGHUP', reload)
    process.on('SIGUSR2', replace)
    try {
      gateway = await startGateway({ config: values.config, inheritance, onRead: (files) => watch.follow(files) })
      gateway.logger.info({ ...gateway.addresses, pid: process.pid }, 'listening')
      pidFile?.publish()
      if (pidPath !== null && !isFirst) pidFile = writeOrSay(pidPath, gateway)
      if (isOutdated) void gateway.reload()
      if (isReplacementWanted) replace()
      const signal = stopping.then((name) => ({ signal: name }))
      const cause = await Promise.race([signal, replaced.promise.then((successor) => ({ successor }))])
      gateway.logger.info({ ...cause, pid: process.pid }, 'draining')
    } catch (error) {
      // Whatever goes wrong here: what serves without these listeners could be told nothing any more.
      pidFile?.remove()
      await gateway?.close()
      throw error
    } finally {
      inheritance.predecessor?.leave()
      watch.close()
      isDraining = true
    }
    await gateway.shutdown()
    pidFile?.remove()
    return 0
  },
}

/** The one that served before is going: better served without a pid file than by nobody. */
function writeOrSay(path: string, { logger }: RunningGateway): PidFile | null {
  try {
    return PidFile.write(path)
  } catch (error) {
    logger.error({ err: error }, 'no pid file')
    return null
  }
}
