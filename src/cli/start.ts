import { watchConfig } from '../config/watch.ts'
import { type RunningGateway, startGateway } from '../start-gateway.ts'
import type { Command } from './commands.ts'
import { shutdownSignal } from './signals.ts'
import { readArgs, UsageError } from './usage.ts'

export const start: Command = {
  usage: '-c FILE',
  summary: 'serve; SIGTERM drains, SIGHUP or a changed file, certificates and keys included, reloads',
  async run(args) {
    const { values } = readArgs({ args, options: { config: { type: 'string', short: 'c' } } })
    if (values.config === undefined) throw new UsageError('start needs -c FILE')
    // Asked for before anything is read: what comes while the gateway starts counts too.
    const stopping = shutdownSignal()
    let gateway: RunningGateway | null = null
    let isOutdated = false
    const reload = () => {
      isOutdated = true
      void gateway?.reload()
    }
    const watch = watchConfig(values.config, reload)
    process.on('SIGHUP', reload)
    try {
      gateway = await startGateway({ config: values.config, onRead: (files) => watch.follow(files) })
      gateway.logger.info(gateway.addresses, 'listening')
      if (isOutdated) void gateway.reload()
      const signal = await stopping
      gateway.logger.info({ signal }, 'draining')
    } finally {
      watch.close()
      process.off('SIGHUP', reload)
    }
    await gateway.shutdown()
    return 0
  },
}
