import { check } from './check.ts'
import { deregister } from './deregister.ts'
import { demo } from './demo.ts'
import { explain } from './explain.ts'
import { help } from './help.ts'
import { instances } from './instances.ts'
import { register } from './register.ts'
import { registry } from './registry.ts'
import { routes } from './routes.ts'
import { run } from './run.ts'
import { start } from './start.ts'
import { version } from './version.ts'
import { zombies } from './zombies.ts'

/** One command of the command line. */
export interface Command {
  /** What follows the command's name. */
  readonly usage: string
  readonly summary: string
  /** @returns the exit code; for commands that serve, once they have ended */
  readonly run: (args: string[]) => Promise<number> | number
}

export const commands = {
  start,
  check,
  explain,
  routes,
  registry,
  run,
  register,
  deregister,
  instances,
  zombies,
  demo,
  version,
  help,
} as const satisfies Record<string, Command>

export type CommandName = keyof typeof commands
