import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ControlClock } from './control-clock.ts'
import { messageOf, type OnProblem } from './problem.ts'
import { SaveQueue } from './save-queue.ts'
import { decodeState, encodeState, type SavedService, type Unusable } from './state-format.ts'

/** Of files that can't be written at the same time: a full disk is not worth a line for each service. */
const maxNamed = 5

const explanations: Readonly<Record<Unusable, string>> = {
  torn: 'it is not whole JSON',
  alien: 'it is not a state file of this program',
  newer: 'a later version of this program wrote it',
}

/**
 * Remembers the last known good list of each service on disk, for a start while the registry can't be asked. A file is
 * replaced whole (written aside, synced unless a long row is left at the end, renamed); one that can't be used is reported, moved aside to `….unusable` and
 * otherwise ignored. Trouble with the disk never reaches the services. When a file is written is up to SaveQueue.
 */
export class StateStore {
  readonly #dir: string
  readonly #onProblem: OnProblem
  /** `null` = its file shall be gone. */
  readonly #queue: SaveQueue<SavedService | null>
  readonly #failing = new Set<string>()
  #closing: Promise<void> | null = null

  constructor(options: { readonly dir: string; readonly clock: ControlClock; readonly onProblem: OnProblem }) {
    this.#dir = options.dir
    this.#onProblem = options.onProblem
    this.#queue = new SaveQueue({ clock: options.clock, save: (...wanted) => this.#write(...wanted) })
  }

  /** Blocks for the length of one file: called when a service is first configured. */
  load(service: string): SavedService | null {
    const file = this.#fileOf(service)
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      if (!isMissing(error)) this.#onProblem({ place: file, message: `can't be read: ${messageOf(error)}` })
      return null
    }
    const saved = decodeState(text)
    if (typeof saved === 'object' && saved.service === service) return saved
    this.#putAside(file, typeof saved === 'object' ? 'alien' : saved)
    return null
  }

  /** What there is of all services. Blocks for the length of all files: called when a gateway starts. */
  all(): readonly SavedService[] {
    let files: readonly string[] = []
    try {
      files = readdirSync(this.#dir)
    } catch (error) {
      if (!isMissing(error)) this.#onProblem({ place: this.#dir, message: `can't be read: ${messageOf(error)}` })
    }
    return files.flatMap((file) => {
      if (!file.endsWith('.json')) return []
      const saved = readSaved(join(this.#dir, file))
      return saved === null ? [] : [saved]
    })
  }

  /**
   * Written at once where little changes, and else in turn, a hundred files a second. Not after `close`: what is asked for then is
   * somebody else's to write.
   */
  save(saved: SavedService): void {
    this.#queue.want(saved.service, saved)
  }

  remove(service: string): void {
    this.#queue.want(service, null)
  }

  /** Writes at once what still waits; closing again waits for the same. */
  close(): Promise<void> {
    this.#closing ??= this.#queue.finish()
    return this.#closing
  }

  /** @returns whether it was written */
  async #write(service: string, wanted: SavedService | null, isSynced: boolean): Promise<boolean> {
    const file = this.#fileOf(service)
    try {
      if (wanted === null) await rm(file, { force: true })
      else await this.#replace(file, encodeState(wanted), isSynced)
      this.#failing.delete(service)
      return true
    } catch (error) {
      if (!this.#failing.has(service) && this.#failing.size < maxNamed) {
        this.#onProblem({ place: file, message: `can't be written: ${messageOf(error)}` })
        this.#failing.add(service)
      }
      return false
    }
  }

  async #replace(file: string, text: string, isSynced: boolean): Promise<void> {
    const aside = `${file}.${process.pid}.tmp`
    try {
      const handle = await openIn(this.#dir, aside)
      try {
        await handle.writeFile(text)
        if (isSynced) await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(aside, file)
    } catch (error) {
      await rm(aside, { force: true })
      throw error
    }
  }

  #putAside(file: string, why: Unusable): void {
    const aside = `${file}.unusable`
    try {
      renameSync(file, aside)
    } catch (error) {
      this.#onProblem({ place: file, message: `ignored: ${explanations[why]}; can't be moved: ${messageOf(error)}` })
      return
    }
    this.#onProblem({ place: file, message: `ignored: ${explanations[why]}; kept as ${aside}` })
  }

  /** Readable at the front, told apart by the hash: names may hold slashes, or differ in case only. */
  #fileOf(service: string): string {
    const readable = service
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]/g, '_')
      .slice(0, 64)
    const hash = createHash('sha256').update(service).digest('hex').slice(0, 16)
    return join(this.#dir, `${readable}-${hash}.json`)
  }
}

/** Makes the directory where there is none. */
async function openIn(dir: string, file: string): Promise<FileHandle> {
  try {
    return await open(file, 'w')
  } catch (error) {
    if (!isMissing(error)) throw error
    await mkdir(dir, { recursive: true })
    return open(file, 'w')
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** Null where it can't be used: that is said when the service is asked for. */
function readSaved(file: string): SavedService | null {
  try {
    const saved = decodeState(readFileSync(file, 'utf8'))
    return typeof saved === 'object' ? saved : null
  } catch {
    return null
  }
}
