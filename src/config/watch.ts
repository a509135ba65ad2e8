import { type FSWatcher, statSync, unwatchFile, watch, watchFile } from 'node:fs'
import { dirname } from 'node:path'

export interface ConfigWatch {
  close(): void
}

/** How long a file has to be left alone before it counts as written. */
const settleMs = 100
const pollMs = 2000

/**
 * Calls `onChange` after the file was changed or replaced since this call, once it has been left alone for 100 ms; not while
 * it is missing. Never throws, and never keeps the process alive.
 *
 * It watches the directory, because editors replace a file by renaming another one over it, and Kubernetes swaps a link
 * beside it (`..data`). Where events don't come (network file systems, no inotify watches left, a directory that was replaced
 * itself, links that lead elsewhere), a look every two seconds finds the change.
 */
export function watchConfig(file: string, onChange: () => void): ConfigWatch {
  let reported = fingerprintOf(file)
  let seen = reported
  let timer: NodeJS.Timeout | null = null

  const look = (): void => {
    if (timer !== null) return
    seen = fingerprintOf(file)
    timer = setTimeout(settle, settleMs).unref()
  }
  const settle = (): void => {
    timer = null
    const now = fingerprintOf(file)
    if (now !== seen) look()
    else if (now !== null && now !== reported) {
      reported = now
      onChange()
    }
  }

  const directory = watchDirectory(dirname(file), look)
  watchFile(file, { persistent: false, interval: pollMs }, look)
  return {
    close() {
      directory?.close()
      unwatchFile(file, look)
      if (timer !== null) clearTimeout(timer)
    },
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

/** Changes with every write and with every other file behind the same name; null while there is none. */
function fingerprintOf(file: string): string | null {
  try {
    const { dev, ino, size, mtimeNs } = statSync(file, { bigint: true })
    return `${dev}:${ino}:${size}:${mtimeNs}`
  } catch {
    return null
  }
}
