/** A command can't do what it was asked for; the message says why, and the way out. Exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

/** Turns a rejection, whose message is meant for people already, into a CommandError. */
export function asCommandError(error: unknown): never {
  throw new CommandError(error instanceof Error ? error.message : String(error), { cause: error })
}
