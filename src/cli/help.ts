import type { Command } from './commands.ts'

export const help: Command = {
  usage: '',
  summary: 'show this',
  async run() {
    // The table holds this command too; it is complete only once everything is loaded.
    const { commands } = await import('./commands.ts')
    const rows = Object.entries(commands).map(
      ([name, { usage, summary }]) => [`${name} ${usage}`.trim(), summary] as const,
    )
    const width = Math.max(...rows.map(([call]) => call.length))
    console.log('tidegate: an HTTP reverse proxy that follows the service registry\n')
    for (const [call, summary] of rows) console.log(`  tidegate ${call.padEnd(width)}  ${summary}`)
    return 0
  },
}
