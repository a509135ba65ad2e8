#!/usr/bin/env node
import { commands, type CommandName } from './cli/commands.ts'
import { UsageError } from './cli/usage.ts'

/** What people try first. */
const aliases: ReadonlyMap<string, CommandName> = new Map([
  ['--help', 'help'],
  ['-h', 'help'],
  ['--version', 'version'],
])

const [asked = 'help', ...args] = process.argv.slice(2)
const name = aliases.get(asked) ?? asked
const command = Object.hasOwn(commands, name) ? commands[name as CommandName] : null
try {
  if (command === null) throw new UsageError(`unknown command ${JSON.stringify(name)}`)
  process.exitCode = await command.run(args)
} catch (error) {
  const isExpected = error instanceof Error && /^(?:Usage|Command|Config|Gateway|Register)Error$/.test(error.name)
  console.error(isExpected ? `tidegate: ${error.message}` : error)
  if (error instanceof UsageError) console.error('Try: tidegate help')
  process.exitCode = error instanceof UsageError ? 2 : 1
}
