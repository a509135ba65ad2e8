import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/** POSIX lets a write of up to this many bytes to a pipe not mix with those of other threads (PIPE_BUF on Linux). */
export const atomicBytes = 4096

/** Where log lines go. */
export interface LogSink {
  readonly fd: number
  /** Bytes handed over by one write. */
  readonly chunkBytes: number
  /** True when a write may wait for the reader or the disk, so that it must not be made on the event loop. */
  readonly mayBlock: boolean
  /** Closes what `openLogSink` opened, never the descriptor it was given. */
  close(): void
}

/**
 * Opens a descriptor for logging, so that a reader that does not read blocks nobody. Node can't set O_NONBLOCK on a
 * descriptor, but on Linux a pipe or terminal can be opened once more through /proc, with that flag and for ourselves alone.
 * A socket can't; Node's own stream sets the flag on it. Where neither works (and for files) writes may block, and belong to
 * Node's thread pool.
 *
 * The main thread opens its sink before data threads open theirs: only its `process.stdout` is over the descriptor.
 *
 * @param fd 1 for stdout
 */
export function openLogSink(fd: number): LogSink {
  const stat = fstatSync(fd)
  if (stat.isFile()) return { fd, chunkBytes: 65_536, mayBlock: true, close: () => {} }
  if (stat.isSocket()) {
    // Node makes the stream, and with it the descriptor non-blocking, when it is first asked for.
    if (fd === 1) void process.stdout
    return { fd, chunkBytes: atomicBytes, mayBlock: !isNonBlocking(fd), close: () => {} }
  }
  try {
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY
    const own = openSync(`/proc/self/fd/${fd}`, flags)
    return { fd: own, chunkBytes: atomicBytes, mayBlock: false, close: () => closeSync(own) }
  } catch {
    return { fd, chunkBytes: atomicBytes, mayBlock: true, close: () => {} }
  }
}

/** Reads the flags that Linux shows for an open descriptor, in octal (proc(5), fdinfo). */
function isNonBlocking(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))
    return (Number.parseInt(flags?.[1] ?? '0', 8) & constants.O_NONBLOCK) !== 0
  } catch {
    return false
  }
}
