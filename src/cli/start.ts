import { watchConfig } from '../config/watch.ts'
import { startGateway } from '../start-gateway.ts'
import type { Command } from './commands.ts'
import { shutdownSignal } from './signals.ts'
import { readArgs, UsageError } from './usage.ts'

export const start: Command = {
  usage: '-c FILE',
  summary: 'serve; SIGTERM drains, SIGHUP or a changed file reloads',
  async run(args) {
    const { values } = readArgs({ args, options: { config: { type: 'string', short: 'c' } } })
    if (values.config === undefined) throw new UsageError('start needs -c FILE')
    const gateway = await startGateway({ config: values.config })
    gateway.logger.info(gateway.addresses, 'listening')
    const reload = () => void gateway.reload()
    const watch = watchConfig(values.config, reload)
    process.on('SIGHUP', reload)
    const signal = await shutdownSignal()
    watch.close()
    process.off('SIGHUP', reload)
    gateway.logger.info({ signal }, 'draining')
    await gateway.shutdown()
    return 0
  },
}
