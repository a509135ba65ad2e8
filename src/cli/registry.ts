import { readFile } from 'node:fs/promises'
import { createRegistry, type RegistryOptions } from '../registry/registry.ts'
import { asCommandError } from './command-error.ts'
import type { Command } from './commands.ts'
import { setHeapOptions } from './heap-options.ts'
import { shutdownSignal } from './signals.ts'
import { readArgs, readNumber, UsageError } from './usage.ts'

export const registry: Command = {
  usage: '[--port 8500] [--host 127.0.0.1] [--tls-cert FILE --tls-key FILE] [--faults]',
  summary: "an embedded registry that speaks Consul's HTTP API; in memory, for development",
  async run(args) {
    const { values } = readArgs({
      args,
      options: {
        port: { type: 'string', default: '8500' },
        host: { type: 'string', default: '127.0.0.1' },
        'tls-cert': { type: 'string' },
        'tls-key': { type: 'string' },
        faults: { type: 'boolean', default: false },
      },
    })
    setHeapOptions()
    const options = {
      host: values.host,
      port: readNumber('port', values.port, 65_535),
      takesFaults: values.faults,
      ...(await readTls(values['tls-cert'], values['tls-key'])),
    }
    const { server, address } = await start(options).catch(asCommandError)
    console.log(`The registry listens on ${address}. It keeps everything in memory; Ctrl-C ends it.`)
    if (values.faults) console.log(`It takes faults: PUT, GET and DELETE ${address}/v1/tidegate/faults`)
    await shutdownSignal()
    await server.close()
    return 0
  },
}

async function start(options: RegistryOptions) {
  const server = createRegistry(options)
  return { server, ...(await server.start()) }
}

/** Both files or none: with them it is HTTPS, over HTTP/2 and HTTP/1.1. */
async function readTls(cert: string | undefined, key: string | undefined) {
  if (cert === undefined && key === undefined) return {}
  if (cert === undefined || key === undefined) throw new UsageError('--tls-cert and --tls-key need each other')
  return { tls: { cert: await read(cert), key: await read(key) } }
}

async function read(path: string): Promise<string> {
  return readFile(path, 'latin1').catch(asCommandError)
}
