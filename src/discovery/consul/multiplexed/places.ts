import { ChurnLimit } from '../../churn-limit.ts'
import { pause } from '../../pause.ts'
import type { MultiplexedLimits } from '../options.ts'
import type { AgentSession } from './agent-session.ts'

/** The right to send one query. */
export class Place {
  readonly session: AgentSession
  readonly #isFirst: boolean
  readonly #onLeave: (isFirst: boolean) => void

  /** @param isFirst see Places */
  constructor(session: AgentSession, isFirst: boolean, onLeave: (isFirst: boolean) => void) {
    this.session = session
    this.#isFirst = isFirst
    this.#onLeave = onLeave
    session.take()
  }

  /** To be called once. */
  leave(): void {
    this.#onLeave(this.#isFirst)
    this.session.leave()
  }
}

interface Waiter {
  readonly isFirst: boolean
  readonly take: (place: Place) => void
  readonly fail: (error: unknown) => void
}

export interface PlacesOptions {
  /** Resolves with null where the agent does not take many queries over one connection. */
  readonly open: (signal: AbortSignal) => Promise<AgentSession | null>
  /** Called after each attempt that has come to something. */
  readonly onConnected: (isMultiplexed: boolean) => void
  readonly limits: MultiplexedLimits
}

/**
 * Places of all connections, handed out in the order in which they are asked for: a bounded number at once to those that want an
 * answer at once, who come in crowds. Connections are made one after the other as they are needed, and after a failure in no hurry.
 */
export class Places {
  readonly #options: PlacesOptions
  readonly #limits: MultiplexedLimits
  readonly #sessions = new Set<AgentSession>()
  readonly #firsts = new Set<Waiter>()
  readonly #others = new Set<Waiter>()
  readonly #closing = new AbortController()
  readonly #pace = new ChurnLimit()
  #queriesEach: number
  #runningFirsts = 0
  readonly #onLeave = (isFirst: boolean) => {
    if (isFirst) this.#runningFirsts--
  }
  #hasFailed = false
  #connecting: Promise<boolean> | null = null

  constructor(options: PlacesOptions) {
    this.#options = options
    this.#limits = options.limits
    this.#queriesEach = options.limits.maxStreams
  }

  /** Of all connections that may be made, as the agent has allowed last. */
  get maxQueries(): number {
    return this.#limits.maxConnections * this.#queriesEach
  }

  /** One that is free. Nobody waits for it: who waits has a place as soon as it is. @param isFirst wants an answer at once */
  takeNow(isFirst: boolean): Place | null {
    const session = isFirst && !this.#hasRoomForFirst() ? null : this.#withPlace()
    return session === null ? null : this.#place(session, isFirst)
  }

  /** Rejects with what keeps a connection from being made, or when the signal aborts. @param isFirst wants an answer at once */
  async take(isFirst: boolean, signal: AbortSignal): Promise<Place> {
    signal.throwIfAborted()
    this.#closing.signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<Place>()
    const waiter: Waiter = { isFirst, take: resolve, fail: reject }
    const waiting = isFirst ? this.#firsts : this.#others
    waiting.add(waiter)
    this.#serve()
    const onAbort = () => {
      if (waiting.delete(waiter)) reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    return promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  /** Makes one more connection, whether it is needed or not. Those who ask meanwhile share it. @returns false where the agent takes one query at a time */
  async connect(): Promise<boolean> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null
      this.#serve()
    })
    return this.#connecting
  }

  close(): void {
    const reason = new Error('the source was closed')
    this.#closing.abort(reason)
    this.#failAll(reason)
    for (const session of this.#sessions) session.destroy()
  }

  async #connect(): Promise<boolean> {
    const { signal } = this.#closing
    if (this.#hasFailed) await pause(this.#pace.takeMs(this.#limits.connectIntervalMs), signal)
    try {
      signal.throwIfAborted()
      const session = await this.#options.open(signal)
      this.#hasFailed = session === null
      if (session === null) this.#failAll(new Error('it does not take many queries over one connection any more'))
      else this.#add(session)
      this.#options.onConnected(session !== null)
      return session !== null
    } catch (error) {
      this.#hasFailed = true
      this.#failAll(error)
      throw error
    }
  }

  #add(session: AgentSession): void {
    this.#sessions.add(session)
    this.#queriesEach = session.maxQueries
    session.onChange = () => {
      if (!session.isOpen) this.#sessions.delete(session)
      this.#serve()
    }
    session.onChange()
  }

  #serve(): void {
    for (const waiting of [this.#others, this.#firsts]) {
      for (const waiter of waiting) {
        if (waiter.isFirst && !this.#hasRoomForFirst()) return
        const session = this.#withPlace()
        if (session === null) return this.#grow()
        waiting.delete(waiter)
        waiter.take(this.#place(session, waiter.isFirst))
      }
    }
  }

  #place(session: AgentSession, isFirst: boolean): Place {
    if (isFirst) this.#runningFirsts++
    return new Place(session, isFirst, this.#onLeave)
  }

  #hasRoomForFirst(): boolean {
    return this.#runningFirsts < this.#limits.maxFirstReads
  }

  #withPlace(): AgentSession | null {
    for (const session of this.#sessions) if (session.hasPlace) return session
    return null
  }

  #grow(): void {
    const taking = [...this.#sessions].filter((session) => session.takesQueries)
    const isNeeded = this.#connecting === null && taking.length < this.#limits.maxConnections
    if (isNeeded && !this.#closing.signal.aborted) void this.connect().catch(() => {})
  }

  #failAll(error: unknown): void {
    const all = [...this.#others, ...this.#firsts]
    this.#others.clear()
    this.#firsts.clear()
    for (const waiter of all) waiter.fail(error)
  }
}
