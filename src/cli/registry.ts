import { createRegistry } from '../registry/registry.ts'
import { asCommandError } from './command-error.ts'
import type { Command } from './commands.ts'
import { shutdownSignal } from './signals.ts'
import { readArgs, readNumber } from './usage.ts'

export const registry: Command = {
  usage: '[--port 8500] [--host 127.0.0.1] [--faults]',
  summary: "an embedded registry that speaks Consul's HTTP API; in memory, for development",
  async run(args) {
    const { values } = readArgs({
      args,
      options: {
        port: { type: 'string', default: '8500' },
        host: { type: 'string', default: '127.0.0.1' },
        faults: { type: 'boolean', default: false },
      },
    })
    const server = createRegistry({
      host: values.host,
      port: readNumber('port', values.port, 65_535),
      takesFaults: values.faults,
    })
    const { address } = await server.start().catch(asCommandError)
    console.log(`The registry listens on ${address}. It keeps everything in memory; Ctrl-C ends it.`)
    if (values.faults) console.log(`It takes faults: PUT, GET and DELETE ${address}/v1/tidegate/faults`)
    await shutdownSignal()
    await server.close()
    return 0
  },
}
