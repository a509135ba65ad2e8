import { setTimeout as delay } from 'node:timers/promises'
import type { Drain } from './drain.ts'
import type { JoinEvent } from './join-event.ts'
import type { Membership } from './membership.ts'
import { asRegisterError, type RegisterError } from './register-error.ts'
import type { Registrar } from './registrar.ts'
import type { Registration } from './registration.ts'

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
/** For one that did not answer the last time. */
const doubtfulDeadlineMs = 2000
/** A deregistration that meets a moment's trouble would leave a zombie behind. */
const deregisterTries = 3
const betweenTriesMs = 250

/**
 * Leaves without losing a request: out of choice first, then drained, and only then gone. Never rejects: a registry that can't be reached leaves
 * the entry behind, which its own check removes from choice.
 */
export async function leave(options: LeaveOptions): Promise<void> {
  const { membership, registrar, drain, settleMs, drainDeadlineMs } = options
  const { registration } = membership
  let isReachable = membership.state === 'joined'
  await membership.stop('leaving')

  const tell = (type: JoinEvent['type'], message: string): void => {
    options.onEvent({ type, name: registration.name, id: registration.id, message })
  }

  if (membership.mayBeRegistered) {
    try {
      await registrar.withdraw(registration, AbortSignal.timeout(isReachable ? 2 * callDeadlineMs : doubtfulDeadlineMs))
      tell('withdrawn', `out of choice at ${registrar.title}`)
      await delay(settleMs)
    } catch (error) {
      if (isReachable) tell('warning', `not out of choice before it drains: ${asRegisterError(error).message}`)
      isReachable = false
    }
  }
  if (drain !== null) {
    const inTime = await drain.drain(drainDeadlineMs)
    tell('drained', inTime ? 'all requests are finished' : `requests were broken off after ${drainDeadlineMs} ms`)
  }
  if (membership.mayBeRegistered) {
    const signal = AbortSignal.timeout(isReachable ? callDeadlineMs : doubtfulDeadlineMs)
    const failure = await deregister(registrar, registration, signal)
    if (failure === null) tell('deregistered', `removed from ${registrar.title}`)
    else tell('left-behind', failure.message)
  }
  membership.left()
}

/** @returns why it is still there; null = it is gone */
async function deregister(
  registrar: Registrar,
  registration: Registration,
  signal: AbortSignal,
): Promise<RegisterError | null> {
  for (let left = deregisterTries - 1; ; left--) {
    try {
      await registrar.deregister(registration, signal)
      return null
    } catch (thrown) {
      const error = asRegisterError(thrown)
      if (left <= 0 || !error.isPassing || signal.aborted) return error
      await delay(betweenTriesMs)
    }
  }
}
