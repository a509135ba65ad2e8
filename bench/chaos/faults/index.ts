import type { Fault } from '../fault.ts'
import { jumpingClock } from './clock.ts'
import { consulKilled, consulPartitioned } from './consul.ts'
import { unreadLog, unwritableState } from './disk-and-log.ts'
import { flapping } from './flapping.ts'
import { killedGet, killedPost } from './killed.ts'
import { misbehaving, slow } from './misbehaving.ts'
import { openFiles } from './open-files.ts'
import { overloaded, overloadedLimited } from './overloaded.ts'
import { registryTroubles } from './registry.ts'
import { reloaded } from './reloaded.ts'
import { replaced } from './replaced.ts'
import { restarted } from './restarted.ts'
import { halfOpen, stopped } from './silent.ts'
import { stalled, stalledControl } from './stalls.ts'
import { abusedAdmin, leavingClients, oddRequests } from './strangers.ts'
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
  overloadedLimited,
  slow,
  ...misbehaving,
  halfOpen,
  openFiles,
  stuckThread,
  consulPartitioned,
  ...registryTroubles,
  flapping,
  jumpingClock,
  stalled,
  stalledControl,
  unreadLog,
  unwritableState,
  leavingClients,
  abusedAdmin,
  oddRequests,
]

export const faultNames: readonly string[] = faults.map(({ name }) => name)
