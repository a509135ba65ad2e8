import type { DiscoveryContext } from '../context.ts'
import type { Answer, Discovery } from '../contract.ts'
import type { ReadInstanceFile } from './instance-file.ts'
import { FileWatcher } from './file-watcher.ts'
import { WatchedFile, type Reading } from './watched-file.ts'

export interface FileOptions {
  readonly name: string
  readonly type: 'file'
  /** Absolute. */
  readonly path: string
}

export interface FileContext extends DiscoveryContext {
  readonly readInstances: ReadInstanceFile
}

export interface FileLimits {
  /** How long the file has to be left alone before it is read again. */
  readonly settleMs: number
}

/**
 * Instances in a file of their own, followed from the first watch on. A file that is gone or can't be read as a whole is an
 * error, and so is a service's list of which no entry can be used; a service that the file does not name has no instances.
 */
export function fileSource(
  options: FileOptions,
  context: FileContext,
  limits: FileLimits = { settleMs: 100 },
): Discovery {
  return new FileSource(options.path, context, limits)
}

class FileSource implements Discovery {
  readonly #path: string
  readonly #context: FileContext
  readonly #limits: FileLimits
  readonly #closing = new AbortController()
  readonly #watchers = new Set<FileWatcher>()
  /** What a watch, known by its signal, was told in vain: one that is opened again waits for another reading. */
  readonly #told = new WeakMap<AbortSignal, Reading>()
  #file: WatchedFile | null = null

  constructor(path: string, context: FileContext, limits: FileLimits) {
    this.#path = path
    this.#context = context
    this.#limits = limits
  }

  async *watch(service: string, signal: AbortSignal): AsyncGenerator<Answer, void, void> {
    const end = AbortSignal.any([signal, this.#closing.signal])
    if (end.aborted) return
    const watcher = new FileWatcher({ service, path: this.#path, context: this.#context, told: this.#told.get(signal) })
    this.#watchers.add(watcher)
    this.#follow(watcher)
    yield* watcher.box.answers(end, {
      over: () => {
        this.#watchers.delete(watcher)
        if (watcher.failedOf !== null) this.#told.set(signal, watcher.failedOf)
      },
    })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#file?.close()
  }

  #follow(watcher: FileWatcher): void {
    this.#file ??= new WatchedFile({
      path: this.#path,
      read: this.#context.readInstances,
      settleMs: this.#limits.settleMs,
      onReading: (reading) => {
        for (const each of this.#watchers) each.take(reading)
      },
    })
    const { reading } = this.#file
    if (reading === null) return
    // An old failure is no answer to who asks now.
    if ('error' in reading) this.#file.readAgain()
    else watcher.take(reading)
  }
}
