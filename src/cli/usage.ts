import { parseArgs, type ParseArgsConfig } from 'node:util'

/** The command line can't be understood; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** `parseArgs`, with its complaints as UsageErrors. */
export function readArgs<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** @param limit the largest value that makes sense */
export function readNumber(name: string, text: string, limit: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > limit) throw new UsageError(`--${name} takes a number from 0 to ${limit}`)
  return value
}
