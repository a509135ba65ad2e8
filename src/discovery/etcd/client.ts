import { DiscoveryError } from '../contract.ts'
import type { Random } from '../../util/random.ts'
import {
  denied,
  type EtcdRefusal,
  grpcCodes,
  isStaleToken,
  isWithoutAuthentication,
  refused,
  unreachable,
  unreadable,
} from './error.ts'
import type { KeyRange } from './key-space.ts'
import { Login } from './login.ts'
import type { EtcdLimits, EtcdOptions } from './options.ts'
import { Transport } from './transport.ts'
import { errorAnswer, type RangeAnswer, rangeAnswer, rangeRequest, tokenAnswer } from './wire.ts'
import { followKeys, type KeyChanges } from './watch-stream.ts'

/** The keys of a range as they were at one revision. */
export interface Listing {
  readonly revision: number
  readonly clusterId: string
}

const listAttempts = 3
const minPageKeys = 16

/** What discovery asks of a cluster, one of its endpoints at a time. All calls reject with a DiscoveryError. */
export class EtcdClient {
  readonly #endpoints: readonly string[]
  readonly #limits: EtcdLimits
  readonly #transport: Transport
  readonly #login: Login
  #turn = 0
  #pageKeys: number

  constructor(options: EtcdOptions, limits: EtcdLimits, random: Random) {
    const { endpoints, username, password, tls } = options
    // Gateways begin with different members, and go on in the configuration's order.
    this.#endpoints = endpoints
    this.#turn = Math.floor(random() * endpoints.length)
    this.#limits = limits
    this.#transport = new Transport(tls)
    this.#pageKeys = limits.pageKeys
    this.#login = new Login(
      username === null ? null : async () => this.#authenticate({ name: username, password: password ?? '' }),
    )
  }

  /** Asks another endpoint from now on, where there is one. */
  rotate(): void {
    this.#turn++
  }

  /**
   * Hands over all keys of a range, in pages of one revision that the whole cluster agrees on. `restart` is called where what was
   * handed over so far counts no more.
   */
  async list(
    range: KeyRange,
    { take, restart, signal }: { take: (kvs: RangeAnswer['kvs']) => void; restart: () => void; signal: AbortSignal },
  ): Promise<Listing> {
    for (let attempt = 1; ; attempt++) {
      restart()
      try {
        return await this.#listOnce(range, take, signal)
      } catch (error) {
        // The revision of the first page may be compacted before the last one is read.
        const isGone = error instanceof Refusal && error.refusal.code === grpcCodes.outOfRange
        const isTooLarge = error instanceof Refusal && error.refusal.code === grpcCodes.resourceExhausted
        if (isTooLarge && this.#pageKeys > minPageKeys) this.#pageKeys = Math.ceil(this.#pageKeys / 4)
        else if (!isGone || attempt >= listAttempts) throw errorOf(error)
      }
    }
  }

  /** Changes of a range from a revision on, until the signal aborts; ends where etcd has forgotten that revision. */
  async *changes(range: KeyRange, startRevision: number, signal: AbortSignal): AsyncGenerator<KeyChanges, void, void> {
    const url = this.#url('/v3/watch')
    try {
      const stream = this.#transport.open(url, { token: await this.#login.token(), signal })
      yield* followKeys(stream, { range, startRevision, url, limits: this.#limits })
    } catch (error) {
      const failure = errorOf(error)
      if (failure instanceof DiscoveryError && failure.code === 'denied') this.#login.forget()
      throw failure
    }
  }

  close(): void {
    this.#transport.close()
  }

  async #listOnce(range: KeyRange, take: (kvs: RangeAnswer['kvs']) => void, signal: AbortSignal): Promise<Listing> {
    let after: string | null = null
    for (let revision: number | null = null; ;) {
      const request = rangeRequest(range, { limit: this.#pageKeys, revision, after })
      const { url, json } = await this.#call('/v3/kv/range', request, signal)
      const parsed = rangeAnswer.safeParse(json)
      if (!parsed.success || parsed.data.header.revision === 0) throw unreadable(url, 'it is not the answer to a range')
      const { header, kvs, more } = parsed.data
      take(kvs)
      revision ??= header.revision
      const last = kvs.at(-1)
      if (!more || last === undefined) return { revision, clusterId: header.cluster_id }
      after = last.rawKey
    }
  }

  /** Logs in anew, once, where etcd does not take the token. */
  async #call(path: string, body: string, signal: AbortSignal): Promise<{ url: string; json: unknown }> {
    try {
      return await this.#post(path, { token: await this.#login.token(), body, signal })
    } catch (error) {
      if (!(error instanceof Refusal && isStaleToken(error.refusal) && this.#login.isPossible)) throw error
      this.#login.forget()
      return this.#post(path, { token: await this.#login.token(), body, signal })
    }
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
      .post(url, { ...call, timeoutMs: this.#limits.answerTimeoutMs })
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
class Refusal extends Error {
  readonly url: string
  readonly refusal: EtcdRefusal

  constructor(url: string, refusal: EtcdRefusal) {
    super(refusal.message)
    this.url = url
    this.refusal = refusal
  }
}

function errorOf(error: unknown): unknown {
  return error instanceof Refusal ? refused(error.url, error.refusal) : error
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
