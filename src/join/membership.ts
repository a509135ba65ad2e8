import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../util/random.ts'
import { firstBeatMs, heartbeatMs, nextBeatMs } from './heartbeat.ts'
import type { JoinEvent } from './join-event.ts'
import { asRegisterError, type RegisterError } from './register-error.ts'
import type { Registrar } from './registrar.ts'
import type { HealthReport, Registration } from './registration.ts'

/** A process that ends must not wait for long for a registry that does not answer. */
const maxFinishMs = 5000

export interface MembershipOptions {
  readonly registrar: Registrar
  readonly registration: Registration
  readonly report: () => HealthReport | Promise<HealthReport>
  readonly onEvent: (event: JoinEvent) => void
  readonly random: Random
}

/** `joining` until it was registered once; `lost` while the registry can't be reached. */
export type MembershipState = 'joining' | 'joined' | 'lost' | 'leaving' | 'left'

/**
 * Keeps one instance in a registry: registers it, and with each heartbeat compares what is there with what should be and mends the
 * difference, whether the registry restarted empty, somebody removed the entry or its check, or its time ran out.
 */
export class Membership {
  readonly registration: Registration
  readonly #registrar: Registrar
  readonly #options: MembershipOptions
  readonly #ended = new AbortController()
  /** Ends a registration that is under way. */
  readonly #givenUp = new AbortController()
  readonly #firstRegistered = Promise.withResolvers<void>()
  #state: MembershipState = 'joining'
  #isLost = false
  #mayBeRegistered = false
  #failures = 0
  #isAskedAgain = false
  #run: Promise<void> = Promise.resolve()
  /** Ends the wait for the next heartbeat. */
  #wake: AbortController | null = null

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#registrar = options.registrar
    this.registration = options.registration
    // Nobody may be waiting for it.
    this.#firstRegistered.promise.catch(() => {})
  }

  get state(): MembershipState {
    return this.#state
  }

  /** From when a registration was sent: it may be there even if no answer came. */
  get mayBeRegistered(): boolean {
    return this.#mayBeRegistered
  }

  /** Begins. Resolves when it was registered once; rejects where the registry refuses the entry, which ends the membership. */
  start(): Promise<void> {
    for (const message of this.#registrar.warnings(this.registration)) this.#tell('warning', message)
    this.#run = this.#keep()
    return this.#firstRegistered.promise
  }

  /** Beats now instead of at its time: what the instance says of itself has changed. */
  beatNow(): void {
    // One that is under way may have asked the instance already.
    this.#isAskedAgain = true
    this.#wake?.abort()
  }

  /**
   * No heartbeat any more; the entry stays. Resolves when no call is under way. A registration that is gets a moment to end: one that
   * was broken off might still reach the registry behind the deregistration.
   */
  async stop(state: 'leaving' | 'left'): Promise<void> {
    this.#state = state
    this.#ended.abort()
    const patience = setTimeout(() => this.#givenUp.abort(), maxFinishMs)
    await this.#run
    clearTimeout(patience)
    // Who waits for it need not any more.
    this.#firstRegistered.resolve()
  }

  /** Only after `stop`. */
  left(): void {
    this.#state = 'left'
  }

  async #keep(): Promise<void> {
    const { signal } = this.#ended
    const { random } = this.#options
    const periodMs = heartbeatMs(this.registration.check)
    while (!signal.aborted) {
      this.#isAskedAgain = false
      const joins = this.#state === 'joining'
      try {
        await this.#beat(signal, 2 * periodMs)
        if (signal.aborted) return
        this.#succeeded()
      } catch (error) {
        if (signal.aborted) return
        if (!this.#failed(asRegisterError(error))) return
      }
      const hasJoined = joins && this.#failures === 0
      await this.#pause(hasJoined ? firstBeatMs(periodMs, random) : nextBeatMs(periodMs, this.#failures, random))
    }
  }

  async #beat(signal: AbortSignal, maxReportMs: number): Promise<void> {
    const health = await this.#health(signal, maxReportMs)
    if (signal.aborted) return
    if (this.#state === 'joining') {
      await this.#sweep(signal)
      if (signal.aborted) return
      this.#mayBeRegistered = true
      await this.#registrar.register(this.registration, health, this.#givenUp.signal)
      if (signal.aborted) return
      this.#state = 'joined'
      this.#tell('registered', `registered at ${this.#registrar.title}`)
      this.#firstRegistered.resolve()
      return
    }
    const standing = await this.#registrar.renew(this.registration, health, signal)
    if (standing === 'present' || signal.aborted) return
    await this.#registrar.register(this.registration, health, this.#givenUp.signal)
    const how = standing === 'missing' ? 'was missing' : 'had been changed'
    this.#tell('repaired', `${how} at ${this.#registrar.title}, and is registered again`)
  }

  /** What it says of itself; a report that fails is no health, nor is one that does not come. */
  async #health(ended: AbortSignal, maxMs: number): Promise<HealthReport> {
    const over = new AbortController()
    const signal = AbortSignal.any([ended, over.signal])
    const late: HealthReport = { status: 'critical', note: `its health was not told within ${Math.round(maxMs)} ms` }
    const tooLong = delay(maxMs, late, { signal, ref: false }).catch(() => late)
    try {
      return await Promise.race([this.#options.report(), tooLong])
    } catch (error) {
      return { status: 'critical', note: `its health could not be told: ${String(error)}` }
    } finally {
      over.abort()
    }
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const stale = await this.#registrar.sweep(this.registration, signal)
    for (const id of stale) this.#tell('swept', `removed ${id}, which an earlier process left at the same address`)
  }

  #succeeded(): void {
    this.#failures = 0
    if (!this.#isLost) return
    this.#isLost = false
    if (this.#state === 'lost') this.#state = 'joined'
    this.#tell('back', `${this.#registrar.title} answers again`)
  }

  /** @returns false when there is no use in trying on */
  #failed(error: RegisterError): boolean {
    this.#failures++
    if (this.#state === 'joining' && !error.isPassing) {
      this.#state = 'left'
      this.#firstRegistered.reject(error)
      return false
    }
    if (this.#state === 'joined') this.#state = 'lost'
    if (!this.#isLost) this.#tell('lost', `${error.message}; it is tried again until it succeeds`)
    this.#isLost = true
    return true
  }

  async #pause(ms: number): Promise<void> {
    if (this.#isAskedAgain) return
    this.#wake = new AbortController()
    const signal = AbortSignal.any([this.#ended.signal, this.#wake.signal])
    // Heartbeats alone keep no process alive: the service does.
    await delay(ms, undefined, { signal, ref: false }).catch(() => {})
  }

  #tell(type: JoinEvent['type'], message: string): void {
    const { name, id } = this.registration
    this.#options.onEvent({ type, name, id, message })
  }
}
