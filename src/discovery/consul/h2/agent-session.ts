import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectH2,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { H2Limits } from '../options.ts'

const maxUnanswered = 2
// So that one long list does not wait for us; the connection's is the same, or small answers would wait for long ones.
const windowBytes = 1024 * 1024
/** In MiB, of what Node keeps for a connection: 10 are too few for many long lists at once. */
const maxSessionMemory = 128

export interface OpenOptions {
  readonly tls: ConnectionOptions
  readonly limits: H2Limits
  readonly signal: AbortSignal
}

/** One connection to the agent over which queries go side by side, each in a stream of its own. */
export class AgentSession {
  /** Called when a stream may be opened that could not before, and at the end. */
  onChange: () => void = () => {}
  readonly #session: ClientHttp2Session
  readonly #limits: H2Limits
  readonly #probe: NodeJS.Timeout
  #idle: NodeJS.Timeout | null = null
  #taken = 0
  /** Of `#taken`, those that hold the process. */
  #holding = 0
  #unanswered = 0
  #isGoing = false

  private constructor(session: ClientHttp2Session, limits: H2Limits) {
    this.#session = session
    this.#limits = limits
    this.#probe = setInterval(() => this.#ping(), limits.probeIntervalMs).unref()
    session.on('remoteSettings', () => this.onChange())
    // RFC 9113 section 6.8: what is under way ends as ever, and nothing new begins.
    session.on('goaway', () => {
      this.#isGoing = true
    })
    session.on('close', () => {
      clearInterval(this.#probe)
      if (this.#idle !== null) clearTimeout(this.#idle)
      this.onChange()
    })
    session.unref()
    this.#rest()
  }

  /**
   * Connects, and waits for the agent's settings, which say how many streams there may be. Null where it does not offer HTTP/2.
   * Rejects with what went wrong, or with the signal's reason.
   */
  static async open(url: URL, { tls, limits, signal }: OpenOptions): Promise<AgentSession | null> {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const socket = connectTls({ ...tls, host, port: Number(url.port || 443), ALPNProtocols: ['h2', 'http/1.1'] })
    const ended = Promise.withResolvers<never>()
    ended.promise.catch(() => {})
    const end = (reason: unknown) => {
      ended.reject(reason)
      socket.destroy()
    }
    // A TLS alert that comes later is said by the socket, which does not close by itself then.
    socket.on('error', end)
    socket.once('close', () => end(new Error('the connection was closed')))
    const onAbort = () => end(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.race([once(socket, 'secureConnect'), ended.promise])
      if (socket.alpnProtocol !== 'h2') {
        socket.destroy()
        return null
      }
      const session = connectH2(url, {
        createConnection: () => socket,
        maxSessionMemory,
        settings: { enablePush: false, initialWindowSize: windowBytes },
      })
      session.on('error', () => {})
      await Promise.race([once(session, 'remoteSettings'), ended.promise])
      session.setLocalWindowSize(windowBytes)
      return new AgentSession(session, limits)
    } catch (error) {
      end(error)
      throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  get isOpen(): boolean {
    return !this.#session.destroyed
  }

  /** As the agent allows now. */
  get maxStreams(): number {
    const { maxConcurrentStreams = this.#limits.maxStreams } = this.#session.remoteSettings
    return Math.min(maxConcurrentStreams, this.#limits.maxStreams)
  }

  /** False once it is about to end: streams that there are go on for as long as they take. */
  get takesStreams(): boolean {
    return !this.#isGoing && !this.#session.closed
  }

  get hasPlace(): boolean {
    return this.isOpen && this.takesStreams && this.#taken < this.maxStreams
  }

  /** Takes a place for one stream, until `leave`. @param holds whether the process lives on for its answer; a change in a registry is no reason to */
  take(holds: boolean): void {
    if (this.#idle !== null) clearTimeout(this.#idle)
    this.#taken++
    if (holds && this.#holding++ === 0) this.#session.ref()
  }

  /** @param holds as it was taken */
  leave(holds: boolean): void {
    if (holds && --this.#holding === 0) this.#session.unref()
    if (--this.#taken === 0) this.#rest()
    this.onChange()
  }

  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    return this.#session.request(headers, { endStream: true })
  }

  /** All its streams fail. */
  destroy(reason?: Error): void {
    this.#session.destroy(reason)
  }

  #rest(): void {
    if (this.#session.destroyed) return
    this.#idle = setTimeout(() => this.#session.destroy(), this.#limits.idleMs).unref()
  }

  #ping(): void {
    if (this.#session.destroyed) return
    if (this.#unanswered >= maxUnanswered) return this.destroy(new Error('it gives no sign of life'))
    this.#unanswered++
    this.#session.ping((error) => {
      if (error === null) this.#unanswered = 0
    })
  }
}
