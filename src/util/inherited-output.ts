import { fstatSync } from 'node:fs'

interface Blockable {
  readonly _handle?: { setBlocking?(isBlocking: boolean): unknown } | null
}

/**
 * To be called after each spawn of a child that inherits stdout or stderr. libuv makes those of a child blocking, and the flag belongs
 * to what is open, not to a process: where the log is a socket, as with systemd, a reader that does not read would stop our event
 * loop at the next write. Node sets the flag when it makes the stream, and never again.
 */
export function keepOutputNonBlocking(): void {
  for (const fd of [1, 2] as const) {
    if (!isSocket(fd)) continue
    const stream = (fd === 1 ? process.stdout : process.stderr) as Blockable
    stream._handle?.setBlocking?.(false)
  }
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket()
  } catch {
    // Closed.
    return false
  }
}
