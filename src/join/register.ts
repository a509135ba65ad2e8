import { setTimeout as delay } from 'node:timers/promises'
import { drainOf } from './drain.ts'
import { guarded, type JoinEvent, warnOnStderr } from './join-event.ts'
import { leave } from './leave.ts'
import { leaveOnSignals } from './leave-on-signals.ts'
import { Membership, type MembershipState } from './membership.ts'
import { withOwnCheck } from './own-check.ts'
import { firstOuterHost, hostOnRouteTo } from './own-host.ts'
import { checkOptions, defaults, readTimes, registrationOf } from './read-options.ts'
import { leaseRegistrar } from './registrars.ts'
import type { Lease } from './shared-by-url.ts'
import type { Registrar } from './registrar.ts'
import type { RegisterOptions } from './register-options.ts'
import { type Registration, well } from './registration.ts'
import { type HealthShare, joinWith } from './shared-health.ts'

const ownHostTimeoutMs = 2000

/** An instance that has joined a registry. */
export interface Joined extends AsyncDisposable {
  /** As it stands in the registry. */
  readonly registration: Registration
  /** `joining` where the registry could not be reached in time; it is tried on. */
  readonly state: MembershipState
  /** Reports now instead of with the next heartbeat, after what `health` says has changed. */
  reportNow(): void
  /**
   * Out of choice, known to the registry's readers, drained, deregistered. Never rejects; a second call waits for the first. The
   * registry's being unreachable leaves the entry behind, told by an event.
   */
  leave(): Promise<void>
}

/**
 * Registers this process as an instance of a service and keeps it registered until it leaves: by `leave()`, by `signal`, by SIGTERM or
 * SIGINT, or when the event loop runs dry. Resolves when the registry has it, or after `joinTimeout` when that can't be reached.
 * @throws RegisterError `invalid` for options that make no sense; `denied` or `refused` where the registry will not have it
 */
export async function register(options: RegisterOptions): Promise<Joined> {
  checkOptions(options)
  const url = options.registry ?? process.env.TIDEGATE_REGISTRY ?? defaults.registry
  const lease = leaseRegistrar(url)
  try {
    const registration = registrationOf(options, options.address ?? (await hostOf(lease.value)))
    return await join(options, registration, lease)
  } catch (error) {
    await lease.release()
    throw error
  }
}

async function join(options: RegisterOptions, registration: Registration, lease: Lease<Registrar>): Promise<Joined> {
  const registrar = lease.value
  const { health, server, signal, leaveOn = ['SIGTERM', 'SIGINT'] } = options
  const onEvent = guarded(options.onEvent ?? warnOnStderr)
  const times = readTimes(options)
  const said = health === undefined ? () => well : () => health.report()
  const report = registrar.makesChecks ? said : withOwnCheck(registration.check, said)
  const membership = new Membership({ registrar, registration, report, onEvent, random: Math.random })
  const drain = server === undefined ? null : drainOf(server)

  let share: HealthShare | null = null
  let leaving: Promise<void> | null = null
  const leaveOnce = (): Promise<void> => (leaving ??= leaveNow())
  const onAbort = (): void => void leaveOnce()
  const forgetSignals = leaveOnSignals(leaveOn, leaveOnce)
  signal?.addEventListener('abort', onAbort, { once: true })
  const letGo = (): void => {
    forgetSignals()
    signal?.removeEventListener('abort', onAbort)
  }
  const leaveNow = async (): Promise<void> => {
    share?.leaving()
    await leave({ membership, registrar, drain, onEvent, ...times })
    letGo()
    await lease.release()
  }

  try {
    // Whoever must not join at all leaves below without having been there.
    if (health !== undefined) share = joinWith(health)
    if (signal?.aborted !== true) await joinedWithin(times.joinTimeoutMs, membership, onEvent)
  } catch (error) {
    letGo()
    share?.release()
    drain?.release()
    throw error
  }
  if (signal?.aborted) await leaveOnce()
  return {
    registration,
    get state() {
      return membership.state
    },
    reportNow: () => membership.beatNow(),
    leave: leaveOnce,
    [Symbol.asyncDispose]: leaveOnce,
  }
}

/** Resolves when it is registered, or time is up. The process waits: without work of its own yet it would end otherwise. */
async function joinedWithin(ms: number, membership: Membership, onEvent: (event: JoinEvent) => void): Promise<void> {
  const joined = membership.start()
  const over = new AbortController()
  const timeIsUp = delay(ms, undefined, { signal: over.signal }).catch(() => {})
  try {
    await Promise.race([joined, timeIsUp])
  } finally {
    over.abort()
  }
  // Refused in the background: nobody else says so.
  joined.catch(({ message }: Error) => {
    const { name, id } = membership.registration
    onEvent({ type: 'lost', name, id, message: `${message}; it is not tried again` })
  })
}

/**
 * Where others reach this machine: its address on the route to the registry. A registry on this machine says nothing of that by
 * its address, but Consul's agent knows what it tells its own cluster.
 */
export async function hostOf(registrar: Registrar): Promise<string> {
  const [registryHost = null] = registrar.hosts
  const bare = registryHost?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  const onRoute = bare === undefined ? null : await hostOnRouteTo(bare)
  if (onRoute !== null) return onRoute
  const known = await registrar.ownHost(AbortSignal.timeout(ownHostTimeoutMs)).catch(() => null)
  return known ?? firstOuterHost() ?? '127.0.0.1'
}
