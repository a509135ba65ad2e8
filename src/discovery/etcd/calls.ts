import type { Random } from '../../util/random.ts'
import {
  denied,
  type EtcdRefusal,
  grpcCodes,
  isStaleToken,
  isWithoutAuthentication,
  unreachable,
  unreadable,
} from './error.ts'
import { Login } from './login.ts'
import type { EtcdOptions } from './options.ts'
import { type LineStream, Transport } from './transport.ts'
import { errorAnswer, tokenAnswer } from './wire.ts'

/** Where a cluster is, and as whom it is asked. */
export type EtcdAccess = Pick<EtcdOptions, 'endpoints' | 'username' | 'password' | 'tls'>

export interface CallLimits {
  /** For one answer. */
  readonly answerTimeoutMs: number
  /** Connections to each endpoint, besides those of streams. */
  readonly maxSockets?: number
}

/** An answer of the gateway that is JSON, and whose it is. */
export interface EtcdAnswer {
  readonly url: string
  readonly json: unknown
}

/**
 * Calls of etcd's JSON gateway, to one of the endpoints at a time, with a token where there is a user. They reject with a DiscoveryError or,
 * where etcd says no, with a Refusal.
 */
export class EtcdCalls {
  readonly #endpoints: readonly string[]
  readonly #answerTimeoutMs: number
  readonly #transport: Transport
  readonly #login: Login
  #turn: number

  constructor({ endpoints, username, password, tls }: EtcdAccess, limits: CallLimits, random: Random) {
    // Those who ask begin with different members, and go on in the configuration's order.
    this.#endpoints = endpoints
    this.#turn = Math.floor(random() * endpoints.length)
    this.#answerTimeoutMs = limits.answerTimeoutMs
    this.#transport = new Transport(tls, limits.maxSockets)
    this.#login = new Login(
      username === null ? null : async () => this.#authenticate({ name: username, password: password ?? '' }),
    )
  }

  /** Which endpoint is asked now; for `rotate`. */
  get turn(): number {
    return this.#turn
  }

  /** Asks another endpoint than that one from now on, where there is one: of many calls that fail together only one changes it. */
  rotate(from: number): void {
    if (from === this.#turn) this.#turn++
  }

  /** Logs in anew, once, where etcd does not take the token. */
  async call(path: string, body: string, signal: AbortSignal): Promise<EtcdAnswer> {
    try {
      return await this.#post(path, { token: await this.#login.token(), body, signal })
    } catch (error) {
      if (!(error instanceof Refusal && isStaleToken(error.refusal) && this.#login.isPossible)) throw error
      this.#login.forget()
      return this.#post(path, { token: await this.#login.token(), body, signal })
    }
  }

  /** A request whose answer goes on while its body does. */
  async open(path: string, signal: AbortSignal): Promise<{ readonly url: string; readonly stream: LineStream }> {
    const url = this.#url(path)
    return { url, stream: this.#transport.open(url, { token: await this.#login.token(), signal }) }
  }

  /** The token is not taken any more. */
  forgetToken(): void {
    this.#login.forget()
  }

  close(): void {
    this.#transport.close()
  }

  async #authenticate(user: { name: string; password: string }): Promise<string | null> {
    try {
      // Shared by all who wait for it: none of them may abort it.
      const call = { token: null, body: JSON.stringify(user), signal: new AbortController().signal }
      const { url, json } = await this.#post('/v3/auth/authenticate', call)
      const parsed = tokenAnswer.safeParse(json)
      if (!parsed.success) throw unreadable(url, 'it holds no token')
      return parsed.data.token
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (isWithoutAuthentication(error.refusal)) return null
      if (error.refusal.code === grpcCodes.invalidArgument) throw denied(error.url, error.refusal.message)
      throw error
    }
  }

  async #post(path: string, call: { token: string | null; body: string; signal: AbortSignal }) {
    const url = this.#url(path)
    const { status, text } = await this.#transport
      .post(url, { ...call, timeoutMs: this.#answerTimeoutMs })
      .catch((error: unknown) => {
        throw unreachable(error, url)
      })
    const json = parse(text)
    if (status === 200 && json !== undefined) return { url, json }
    if (status === 200) throw unreadable(url, 'it is not JSON')
    const parsed = errorAnswer.safeParse(json)
    const { code, message } = parsed.success ? parsed.data : { code: null, message: text }
    throw new Refusal(url, { status, code, message })
  }

  #url(path: string): string {
    return `${this.#endpoints[this.#turn % this.#endpoints.length]}${path}`
  }
}

/** An answer that says no, before it is decided what that means. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly url: string
  readonly refusal: EtcdRefusal

  constructor(url: string, refusal: EtcdRefusal) {
    super(refusal.message)
    this.url = url
    this.refusal = refusal
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
