import { type BigIntStats, type FSWatcher, statSync, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

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
 * itself, links that lead elsewhere), a look every two seconds finds the change; `fs.watchFile` would not find one that
 * comes before its own first look.
 */
export function watchConfig(file: string, onChange: () => void): ConfigWatch {
  let reported = fingerprintNow(file)
  let isLooking = false
  let isClosed = false
  let again = false

  const look = (): void => {
    if (isLooking) again = true
    else void settle()
  }
  const settle = async (): Promise<void> => {
    isLooking = true
    again = false
    const settled = await settledFingerprint(file)
    isLooking = false
    if (isClosed) return
    if (again) look()
    if (settled === null || settled === reported) return
    reported = settled
    onChange()
  }

  const directory = watchDirectory(dirname(file), look)
  const polling = setInterval(look, pollMs).unref()
  return {
    close() {
      isClosed = true
      directory?.close()
      clearInterval(polling)
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

/** The fingerprint that stayed the same for a while. */
async function settledFingerprint(file: string): Promise<string | null> {
  let seen = await fingerprint(file)
  for (;;) {
    await pause(settleMs, undefined, { ref: false })
    const now = await fingerprint(file)
    if (now === seen) return now
    seen = now
  }
}

async function fingerprint(file: string): Promise<string | null> {
  return stat(file, { bigint: true }).then(fingerprintOf, () => null)
}

/** Taken before anything else can happen: what changes from here on is a change. */
function fingerprintNow(file: string): string | null {
  try {
    return fingerprintOf(statSync(file, { bigint: true }))
  } catch {
    return null
  }
}

/** Changes with every write and with every other file behind the same name. */
function fingerprintOf({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}`
}
