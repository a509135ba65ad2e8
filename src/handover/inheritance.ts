import type { HandedSocket, LentSocket } from '../core/listen-socket.ts'
import { takeNote } from './note.ts'
import { type ChannelToParent, Predecessor } from './predecessor.ts'

/** First descriptor that systemd passes (sd_listen_fds(3)). */
const firstLentFd = 3

/** Listening sockets that this process was started with. */
export interface Inheritance {
  readonly handed: readonly HandedSocket[]
  readonly lent: readonly LentSocket[]
  /** Null when there is none, or it did not pass them itself. */
  readonly predecessor: Predecessor | null
}

export const noInheritance: Inheritance = { handed: [], lent: [], predecessor: null }

type Environment = Record<string, string | undefined>

/**
 * Finds what this process was given, from a predecessor or by the protocol of systemd (`LISTEN_FDS`, `LISTEN_PID`,
 * `LISTEN_FDNAMES`), and takes the variables out of the environment: they are for this process, not for its children.
 */
export function takeInheritance(
  env: Environment = process.env,
  self: ChannelToParent & { readonly pid: number } = process,
): Inheritance {
  const note = takeNote(env)
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = env
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name]
  if (note !== null) return { handed: note.sockets, lent: [], predecessor: new Predecessor(note.pid, self) }
  // Of another process: a shell in between, say, that we are the child of.
  if (pid !== String(self.pid)) return noInheritance
  const named = names?.split(':') ?? []
  const lent = Array.from({ length: Number(count) || 0 }, (_, index) => ({
    fd: firstLentFd + index,
    name: named[index] ?? null,
  }))
  return { handed: [], lent, predecessor: null }
}
