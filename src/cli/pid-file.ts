import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { CommandError } from './command-error.ts'

/** Names the process that serves; a successor overwrites it. */
export interface PidFile {
  /** Removed, unless it names another process by now. */
  remove(): void
}

/** @throws CommandError when it can't be written */
export function writePidFile(path: string): PidFile {
  const text = `${process.pid}\n`
  try {
    const aside = `${path}.${process.pid}`
    writeFileSync(aside, text)
    renameSync(aside, path)
  } catch (error) {
    throw new CommandError(`the pid file can't be written: ${error instanceof Error ? error.message : String(error)}`)
  }
  return {
    remove() {
      try {
        if (readFileSync(path, 'utf8') === text) rmSync(path)
      } catch {
        // Somebody removed it before.
      }
    },
  }
}
