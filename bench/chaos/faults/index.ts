import type { Fault } from '../fault.ts'
import { consulKilled, consulPartitioned } from './consul.ts'
import { killedGet, killedPost } from './killed.ts'
import { misbehaving, slow } from './misbehaving.ts'
import { openFiles } from './open-files.ts'
import { overloaded } from './overloaded.ts'
import { reloaded } from './reloaded.ts'
import { replaced } from './replaced.ts'
import { restarted } from './restarted.ts'
import { halfOpen, stopped } from './silent.ts'
import { crashedThread, stuckThread } from './threads.ts'

/** In the order of the table, then the others. */
export const faults: readonly Fault[] = [
  killedGet,
  killedPost,
  stopped,
  restarted,
  consulKilled,
  reloaded,
  replaced,
  crashedThread,
  overloaded,
  slow,
  ...misbehaving,
  halfOpen,
  openFiles,
  stuckThread,
  consulPartitioned,
]

export const faultNames: readonly string[] = faults.map(({ name }) => name)
