import type { Command } from './commands.ts'
import { printTable } from './table.ts'
import { readArgs, UsageError } from './usage.ts'
import { withRegistrar } from './with-registrar.ts'

export const instances: Command = {
  usage: 'NAME [--registry URL]',
  summary: 'list the instances of a service, as the registry has them',
  async run(args) {
    const { values, positionals } = readArgs({
      args,
      options: { registry: { type: 'string' } },
      allowPositionals: true,
    })
    const [name, ...more] = positionals
    if (name === undefined || more.length > 0) throw new UsageError('instances needs the name of one service')
    return withRegistrar(values.registry, async (registrar, signal) => {
      const listed = await registrar.list(name, signal)
      if (listed.length === 0) return console.log(`${name} has no instance at ${registrar.title}`)
      const rows = listed.map(({ id, host, port, status, version, node }) => {
        return [id, `${host}:${port}`, status, version || '-', node || '-']
      })
      return printTable(['id', 'address', 'status', 'version', 'node'], rows)
    })
  },
}
