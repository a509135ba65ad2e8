import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A pipe with both ends in this process. */
export interface Pipe extends Disposable {
  readonly writeEnd: number
  /** All that is in the pipe now. */
  read(): string
  /** The reader goes away. */
  closeReader(): void
}

export function openPipe(): Pipe {
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-pipe-'))
  const path = join(directory, 'pipe')
  execFileSync('mkfifo', [path])
  const open = new Set<number>()
  const openEnd = (flags: number): number => {
    const fd = openSync(path, flags)
    open.add(fd)
    return fd
  }
  const readEnd = openEnd(constants.O_RDONLY | constants.O_NONBLOCK)
  const writeEnd = openEnd(constants.O_WRONLY)
  rmSync(directory, { recursive: true })
  return {
    writeEnd,
    read: () => readAll(readEnd),
    closeReader: () => {
      closeSync(readEnd)
      open.delete(readEnd)
    },
    [Symbol.dispose]: () => open.forEach((fd) => closeSync(fd)),
  }
}

function readAll(fd: number): string {
  const buffer = Buffer.alloc(65_536)
  let text = ''
  for (;;) {
    try {
      const bytes = readSync(fd, buffer)
      if (bytes === 0) return text
      text += buffer.toString('latin1', 0, bytes)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return text
      throw error
    }
  }
}
