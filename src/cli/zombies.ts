import { takesConnections } from '../join/run/until-port-open.ts'
import type { Command } from './commands.ts'
import { printTable } from './table.ts'
import { readArgs, UsageError } from './usage.ts'
import { withRegistrar } from './with-registrar.ts'

export const zombies: Command = {
  usage: '[NAME] [--remove] [--registry URL]',
  summary: 'list instances that the registry has and that take no connections from here; `--remove` removes them',
  async run(args) {
    const { values, positionals } = readArgs({
      args,
      options: { registry: { type: 'string' }, remove: { type: 'boolean', default: false } },
      allowPositionals: true,
    })
    const [name = null, ...more] = positionals
    if (more.length > 0) throw new UsageError('zombies takes the name of one service, or none for all')
    return withRegistrar(values.registry, async (registrar, signal) => {
      const listed = await registrar.list(name, signal)
      const alive = await Promise.all(listed.map(({ host, port }) => takesConnections(host, port)))
      const dead = listed.filter((_, position) => !alive[position])
      if (dead.length === 0) return console.log(`all ${listed.length} instances take connections`)
      const rows = dead.map((entry) => [entry.service, entry.id, `${entry.host}:${entry.port}`, entry.status])
      printTable(['service', 'id', 'address', 'status'], rows)
      if (!values.remove) return undefined
      for (const entry of dead) await registrar.remove(entry, signal)
      return console.log(`removed ${dead.length}`)
    })
  },
}
