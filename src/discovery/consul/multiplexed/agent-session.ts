import type { MultiplexedLimits } from '../options.ts'
import type { AnswerOptions, Connection } from './connection.ts'

const maxUnanswered = 2

/** A connection to the agent with places for queries: it is probed, and closed when nobody uses it. */
export class AgentSession {
  /** Called when a query may be sent that could not before, and at the end. */
  onChange: () => void = () => {}
  readonly #connection: Connection
  readonly #limits: MultiplexedLimits
  readonly #probe: NodeJS.Timeout
  #idle: NodeJS.Timeout | null = null
  #taken = 0
  #unanswered = 0

  constructor(connection: Connection, limits: MultiplexedLimits) {
    this.#connection = connection
    this.#limits = limits
    this.#probe = setInterval(() => this.#askForSign(), limits.probeIntervalMs).unref()
    connection.onChange = () => {
      if (!connection.isOpen) this.#stopTimers()
      this.onChange()
    }
    this.#rest()
  }

  get isOpen(): boolean {
    return this.#connection.isOpen
  }

  get maxQueries(): number {
    return this.#connection.maxQueries
  }

  get takesQueries(): boolean {
    return this.#connection.takesQueries
  }

  get hasPlace(): boolean {
    return this.isOpen && this.takesQueries && this.#taken < this.maxQueries
  }

  /** Takes a place for one query, until `leave`. */
  take(): void {
    if (this.#idle !== null) clearTimeout(this.#idle)
    this.#taken++
  }

  leave(): void {
    if (--this.#taken === 0) this.#rest()
    this.onChange()
  }

  /** See Connection. */
  ask<Taken>(path: string, options: AnswerOptions<Taken>): Promise<Taken> {
    return this.#connection.ask(path, options)
  }

  /** All its queries fail. */
  destroy(reason?: Error): void {
    this.#connection.destroy(reason)
  }

  #rest(): void {
    if (this.isOpen) this.#idle = setTimeout(() => this.destroy(), this.#limits.idleMs).unref()
  }

  #stopTimers(): void {
    clearInterval(this.#probe)
    if (this.#idle !== null) clearTimeout(this.#idle)
  }

  #askForSign(): void {
    if (!this.isOpen) return
    if (this.#unanswered >= maxUnanswered) return this.destroy(new Error('it gives no sign of life'))
    this.#unanswered++
    this.#connection.probe(() => (this.#unanswered = 0))
  }
}
