import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type FileVersion, fingerprint, fingerprintOf } from '../../util/file-version.ts'
import { InvalidValue } from '../invalid-value.ts'
import { readFailure } from '../read-failure.ts'

/** Larger than any bundle of authorities. */
const maxBytes = 4 * 1024 ** 2
const settleMs = 1000

/** Reads the files that a configuration names, and remembers which version of each it saw. */
export class PemFiles {
  readonly #folder: string
  readonly #versions = new Map<string, string | null>()
  #settling: Promise<void> | null = null

  /** @param folder what relative paths are relative to */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Every file that was asked for, also in vain, as it was at the last time. */
  get versions(): readonly FileVersion[] {
    return [...this.#versions].map(([path, seen]) => ({ path, fingerprint: seen }))
  }

  /** @throws InvalidValue where there is no such file, or none that can be PEM */
  async read(path: string): Promise<string> {
    // Never looked for, nor shown: it may be a key.
    if (path.includes('-----BEGIN')) {
      throw new InvalidValue('expected the path of a PEM file, got its text', 'put the text into a file of its own')
    }
    const absolute = resolve(this.#folder, path)
    try {
      return await this.#readFile(absolute)
    } catch (error) {
      if (error instanceof InvalidValue) throw error
      this.#versions.set(absolute, await fingerprint(absolute))
      throw new InvalidValue(`${absolute} can't be read: ${readFailure(error)}`)
    }
  }

  /**
   * Certificate and key are written one after the other: who finds that two don't belong together waits for this and reads
   * them again before saying so. One wait for all.
   */
  settled(): Promise<void> {
    return (this.#settling ??= pause(settleMs))
  }

  async #readFile(absolute: string): Promise<string> {
    const stats = await stat(absolute, { bigint: true })
    // Before its bytes: what is written meanwhile is a change.
    this.#versions.set(absolute, fingerprintOf(stats))
    if (stats.isDirectory()) throw new InvalidValue(`${absolute} can't be read: it is a directory`)
    // Nothing but a file: opening a pipe could take for ever.
    if (!stats.isFile() || stats.size > maxBytes) throw new InvalidValue(`${absolute} is no file of at most 4 MiB`)
    const text = await readFile(absolute, 'latin1')
    if (text.includes('-----BEGIN ')) return text
    throw new InvalidValue(`${absolute} is not PEM`, 'its text has to hold "-----BEGIN …-----" lines')
  }
}
