import { isDead } from '../join/run/until-port-open.ts'
import type { Listed } from '../join/registrar.ts'
import { CommandError } from './command-error.ts'
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
      const dead = await deadOf(listed)
      if (dead.length === 0) return console.log(`all ${listed.length} instances take connections`)
      const rows = dead.map((entry) => [entry.service, entry.id, `${entry.host}:${entry.port}`, entry.status])
      printTable(['service', 'id', 'address', 'status'], rows)
      if (!values.remove) return undefined
      const kept: string[] = []
      for (const entry of dead) {
        await registrar.remove(entry, signal).catch((error: unknown) => kept.push(messageOf(error)))
      }
      console.log(`removed ${dead.length - kept.length}`)
      if (kept.length > 0) throw new CommandError(kept.join('\n'))
    })
  },
}

/** What is looked at side by side: descriptors are few. */
const maxLooks = 64

async function deadOf(listed: readonly Listed[]): Promise<Listed[]> {
  const dead: Listed[] = []
  const left = listed.entries()
  const look = async (): Promise<void> => {
    for (const [position, entry] of left) if (await isDead(entry.host, entry.port)) dead[position] = entry
  }
  await Promise.all(Array.from({ length: maxLooks }, look))
  return dead.filter((entry) => entry !== undefined)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
