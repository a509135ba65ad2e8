import { setTimeout as delay } from 'node:timers/promises'
import type { Drain } from './drain.ts'
import type { JoinEvent } from './join-event.ts'
import type { Membership } from './membership.ts'
import { asRegisterError } from './register-error.ts'
import type { Registrar } from './registrar.ts'

export interface LeaveOptions {
  readonly membership: Membership
  readonly registrar: Registrar
  readonly drain: Drain | null
  readonly settleMs: number
  readonly drainDeadlineMs: number
  readonly onEvent: (event: JoinEvent) => void
}

/** For a registry that does not answer: a process that ends must not wait for it for long. */
const callDeadlineMs = 5000

/**
 * Leaves without losing a request: out of choice first, then drained, and only then gone. Never rejects: a registry that can't be reached leaves
 * the entry behind, which its own check removes from choice.
 */
export async function leave(options: LeaveOptions): Promise<void> {
  const { membership, registrar, drain, settleMs, drainDeadlineMs } = options
  const { registration } = membership
  const isReachable = membership.state === 'joined'
  await membership.stop('leaving')

  const tell = (type: JoinEvent['type'], message: string): void => {
    options.onEvent({ type, name: registration.name, id: registration.id, message })
  }
  const attempt = async (call: () => Promise<void>): Promise<boolean> => {
    try {
      await call()
      return true
    } catch (error) {
      tell('left-behind', asRegisterError(error).message)
      return false
    }
  }

  if (isReachable) {
    const isOut = await attempt(() => registrar.withdraw(registration, AbortSignal.timeout(2 * callDeadlineMs)))
    if (isOut) {
      tell('withdrawn', `out of choice at ${registrar.title}`)
      await delay(settleMs)
    }
  }
  if (drain !== null) {
    const inTime = await drain.drain(drainDeadlineMs)
    tell('drained', inTime ? 'all requests are finished' : `requests were broken off after ${drainDeadlineMs} ms`)
  }
  if (membership.mayBeRegistered) {
    const isGone = await attempt(() => registrar.deregister(registration, AbortSignal.timeout(callDeadlineMs)))
    if (isGone) tell('deregistered', `removed from ${registrar.title}`)
  }
  membership.left()
}
