import { readFileSync } from 'node:fs'
import type { Command } from './commands.ts'

export const version: Command = {
  usage: '',
  summary: 'show the version',
  run() {
    const { version: number } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    console.log(`tidegate ${number} (Node ${process.versions.node})`)
    return 0
  },
}
