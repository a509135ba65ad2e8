import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { CommandError } from './command-error.ts'

/** Names the process that serves; a successor overwrites it. */
export class PidFile {
  readonly #path: string
  readonly #aside: string
  readonly #text = `${process.pid}\n`

  /** Writes beside it, so that a place that can't be written is known before anything serves. @throws CommandError */
  static prepare(path: string): PidFile {
    const file = new PidFile(path)
    file.#try(() => writeFileSync(file.#aside, file.#text))
    return file
  }

  /** @throws CommandError when it can't be written */
  static write(path: string): PidFile {
    const file = PidFile.prepare(path)
    file.publish()
    return file
  }

  private constructor(path: string) {
    this.#path = path
    this.#aside = `${path}.${process.pid}`
  }

  /** This process serves. @throws CommandError when it can't be written */
  publish(): void {
    this.#try(() => renameSync(this.#aside, this.#path))
  }

  /** Removed, unless it names another process by now. */
  remove(): void {
    try {
      rmSync(this.#aside, { force: true })
      if (readFileSync(this.#path, 'utf8') === this.#text) rmSync(this.#path)
    } catch {
      // Somebody removed it before.
    }
  }

  #try(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.remove()
      throw new CommandError(`the pid file can't be written: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
