import type { Generator } from './contract.ts'
import { newSessions, resumedSessions } from './handshakes.ts'
import { openLoop } from './open-loop.ts'
import { wrk, wrkVaried } from './wrk.ts'

/** How a load is sent. */
export const generators = {
  'as-fast-as-answered': wrk,
  varied: wrkVaried,
  'constant-rate': openLoop,
  'new-sessions': newSessions,
  'resumed-sessions': resumedSessions,
} as const satisfies Readonly<Record<string, Generator>>

export type Sending = keyof typeof generators
