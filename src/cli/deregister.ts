import type { Command } from './commands.ts'
import { CommandError } from './command-error.ts'
import { readArgs, UsageError } from './usage.ts'
import { withRegistrar } from './with-registrar.ts'

export const deregister: Command = {
  usage: '--name S --id ID [--registry URL]',
  summary: 'remove an instance from the registry',
  async run(args) {
    const { values } = readArgs({
      args,
      options: { name: { type: 'string' }, id: { type: 'string' }, registry: { type: 'string' } },
    })
    const { name, id } = values
    if (name === undefined || id === undefined) throw new UsageError('deregister needs --name NAME and --id ID')
    return withRegistrar(values.registry, async (registrar, signal) => {
      const listed = await registrar.list(name, signal)
      const entries = listed.filter((entry) => entry.id === id)
      if (entries.length === 0) {
        const known = listed.map((entry) => entry.id).join(', ') || 'none'
        throw new CommandError(`${name} has no instance ${id} at ${registrar.title}; it has ${known}`)
      }
      for (const entry of entries) await registrar.remove(entry, signal)
      console.log(`${id} of ${name} is removed from ${registrar.title}`)
    })
  },
}
