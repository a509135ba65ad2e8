import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cancel, ControlClock } from './control-clock.ts'
import { messageOf, type OnProblem } from './problem.ts'
import { decodeState, encodeState, type SavedService, type Unusable } from './state-format.ts'

const minIntervalMs = 1000

const explanations: Readonly<Record<Unusable, string>> = {
  torn: 'it is not whole JSON',
  alien: 'it is not a state file of this program',
  newer: 'a later version of this program wrote it',
}

/** The work on one service's file: at most one write at a time and one per second. */
interface FileQueue {
  /** What the file shall hold; `undefined` = it is up to date, `null` = it shall be gone. */
  wanted: SavedService | null | undefined
  cancel: Cancel | null
  writing: Promise<void> | null
  writtenAtMs: number
  failing: boolean
}

/**
 * Remembers the last known good list of each service on disk, for a start while the registry can't be asked. A file is
 * replaced whole (written aside, synced, renamed); one that can't be used is reported, moved aside to `….unusable` and
 * otherwise ignored. Trouble with the disk never reaches the services.
 */
export class StateStore {
  readonly #dir: string
  readonly #clock: ControlClock
  readonly #onProblem: OnProblem
  readonly #queues = new Map<string, FileQueue>()
  #closed = false
  #closing: Promise<void> | null = null

  constructor(options: { readonly dir: string; readonly clock: ControlClock; readonly onProblem: OnProblem }) {
    this.#dir = options.dir
    this.#clock = options.clock
    this.#onProblem = options.onProblem
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

  /** Written within a second. Not after `close`: what is asked for then is somebody else's to write. */
  save(saved: SavedService): void {
    this.#want(saved.service, saved)
  }

  remove(service: string): void {
    this.#want(service, null)
  }

  /** Writes at once what still waits; closing again waits for the same. */
  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  async #finish(): Promise<void> {
    this.#closed = true
    await Promise.all(
      [...this.#queues].map(async ([service, queue]) => {
        queue.cancel?.()
        await queue.writing
        if (queue.wanted !== undefined) await this.#write(service, queue)
      }),
    )
  }

  #want(service: string, wanted: SavedService | null): void {
    if (this.#closed) return
    let queue = this.#queues.get(service)
    if (queue === undefined) {
      queue = { wanted, cancel: null, writing: null, writtenAtMs: -Infinity, failing: false }
      this.#queues.set(service, queue)
    }
    queue.wanted = wanted
    this.#schedule(service, queue)
  }

  #schedule(service: string, queue: FileQueue): void {
    if (this.#closed || queue.cancel !== null || queue.writing !== null) return
    const delayMs = Math.max(0, queue.writtenAtMs + minIntervalMs - this.#clock.now())
    queue.cancel = this.#clock.after(delayMs, () => {
      queue.cancel = null
      queue.writing = this.#write(service, queue).then(() => {
        queue.writing = null
        if (queue.wanted !== undefined) this.#schedule(service, queue)
      })
    })
  }

  async #write(service: string, queue: FileQueue): Promise<void> {
    const { wanted } = queue
    if (wanted === undefined) return
    queue.wanted = undefined
    const file = this.#fileOf(service)
    try {
      if (wanted === null) await rm(file, { force: true })
      else await replaceFile(this.#dir, file, encodeState(wanted))
      queue.failing = false
      // Registries come up with ever new names where tags are routes.
      if (wanted === null && queue.wanted === undefined) this.#queues.delete(service)
    } catch (error) {
      // Tried again with what is wanted by then; a full disk is worth one line, not one a second.
      if (queue.wanted === undefined) queue.wanted = wanted
      if (!queue.failing) this.#onProblem({ place: file, message: `can't be written: ${messageOf(error)}` })
      queue.failing = true
    }
    queue.writtenAtMs = this.#clock.now()
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

async function replaceFile(dir: string, file: string, text: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  const aside = `${file}.${process.pid}.tmp`
  try {
    const handle = await open(aside, 'w')
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(aside, file)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
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
