import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type FileVersion, fingerprint } from './file-version.ts'

/** How long files have to be left alone before they count as written. */
const defaultSettleMs = 100
const pollMs = 2000

export interface FileWatchOptions {
  readonly onChange: () => void
  /** True where a file that is gone is a change, too; default false: then one is awaited until it is there again. */
  readonly tellsMissing?: boolean
  readonly settleMs?: number
  /** Files that are never left alone count as written after so long; default never. */
  readonly maxSettleMs?: number
}

/**
 * Calls `onChange` after a file was changed or replaced, once all of them have been left alone for 100 ms. Never throws, and
 * never keeps the process alive.
 *
 * It watches directories, because editors replace a file by renaming another one over it, and Kubernetes swaps a link
 * beside it (`..data`). Where events don't come (network file systems, no inotify watches left, a directory that was replaced
 * itself, links that lead elsewhere), a look every two seconds finds the change; `fs.watchFile` would not find one that
 * comes before its own first look.
 */
export class FileWatch {
  readonly #onChange: () => void
  readonly #tellsMissing: boolean
  readonly #settleMs: number
  readonly #maxSettleMs: number
  readonly #polling: NodeJS.Timeout
  readonly #directories = new Map<string, FSWatcher | null>()
  /** Of each file the version that is known; one that changes to it is no change. */
  #known = new Map<string, string | null>()
  #isLooking = false
  #isClosed = false
  #again = false

  constructor(options: FileWatchOptions) {
    const { onChange, tellsMissing = false, settleMs = defaultSettleMs, maxSettleMs = Infinity } = options
    this.#onChange = onChange
    this.#tellsMissing = tellsMissing
    this.#settleMs = settleMs
    this.#maxSettleMs = maxSettleMs
    this.#polling = setInterval(() => this.#look(), pollMs).unref()
  }

  /** Watches these, from the versions on that are given, instead of those before. */
  follow(files: readonly FileVersion[]): void {
    if (this.#isClosed) return
    this.#known = new Map(files.map(({ path, fingerprint: read }) => [path, read]))
    this.#watchDirectories(new Set([...this.#known.keys()].map(dirname)))
    // They may have changed since.
    this.#look()
  }

  /** Of a file that is watched the version that was seen last. */
  seen(path: string): string | null {
    return this.#known.get(path) ?? null
  }

  close(): void {
    this.#isClosed = true
    this.#watchDirectories(new Set())
    clearInterval(this.#polling)
  }

  #look(): void {
    if (this.#isLooking) this.#again = true
    else void this.#settle()
  }

  async #settle(): Promise<void> {
    this.#isLooking = true
    this.#again = false
    const settled = await settledVersions([...this.#known.keys()], this.#settleMs, this.#maxSettleMs)
    this.#isLooking = false
    if (this.#isClosed) return
    if (this.#again) this.#look()
    let hasChanged = false
    for (const { path, fingerprint: now } of settled) {
      if (now === null && !this.#tellsMissing) continue
      if (!this.#known.has(path) || this.#known.get(path) === now) continue
      this.#known.set(path, now)
      hasChanged = true
    }
    if (hasChanged) this.#onChange()
  }

  #watchDirectories(wanted: ReadonlySet<string>): void {
    for (const [directory, watcher] of this.#directories) {
      if (wanted.has(directory)) continue
      watcher?.close()
      this.#directories.delete(directory)
    }
    for (const directory of wanted) {
      if (!this.#directories.has(directory)) {
        this.#directories.set(
          directory,
          watchDirectory(directory, () => this.#look()),
        )
      }
    }
  }
}

/** Null where it can't be watched: the polling goes on alone. */
function watchDirectory(directory: string, onEvent: () => void): FSWatcher | null {
  try {
    const watcher = watch(directory, { persistent: false }, onEvent)
    return watcher.on('error', () => watcher.close())
  } catch {
    return null
  }
}

/** The versions that stayed the same for a while, or the last ones when the time is over. */
async function settledVersions(
  paths: readonly string[],
  settleMs: number,
  maxMs: number,
): Promise<readonly FileVersion[]> {
  let seen = await versionsOf(paths)
  for (let waitedMs = settleMs; ; waitedMs += settleMs) {
    await pause(settleMs, undefined, { ref: false })
    const now = await versionsOf(paths)
    const isSettled = now.every(({ fingerprint: print }, index) => print === seen[index]?.fingerprint)
    if (isSettled || waitedMs >= maxMs) return now
    seen = now
  }
}

async function versionsOf(paths: readonly string[]): Promise<readonly FileVersion[]> {
  return Promise.all(paths.map(async (path) => ({ path, fingerprint: await fingerprint(path) })))
}
