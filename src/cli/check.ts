import { checkFile } from '../config/report.ts'
import type { Command } from './commands.ts'
import { readArgs, UsageError } from './usage.ts'

export const check: Command = {
  usage: 'FILE',
  summary: 'say what is wrong with a configuration, with line and column; exit 0 or 1',
  async run(args) {
    const { positionals } = readArgs({ args, allowPositionals: true, options: {} })
    const [file, ...more] = positionals
    if (file === undefined || more.length > 0) throw new UsageError('check takes one FILE')
    const { exitCode, text } = await checkFile(file)
    console.log(text)
    return exitCode
  },
}
