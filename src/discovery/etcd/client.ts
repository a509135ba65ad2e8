import { DiscoveryError } from '../contract.ts'
import type { Random } from '../../util/random.ts'
import { EtcdCalls, Refusal } from './calls.ts'
import { grpcCodes, refused, unreadable } from './error.ts'
import type { KeyRange } from './key-space.ts'
import type { EtcdLimits, EtcdOptions } from './options.ts'
import { type RangeAnswer, rangeAnswer, rangeRequest } from './wire.ts'
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
  readonly #limits: EtcdLimits
  readonly #calls: EtcdCalls
  #pageKeys: number

  constructor(options: EtcdOptions, limits: EtcdLimits, random: Random) {
    this.#limits = limits
    this.#calls = new EtcdCalls(options, limits, random)
    this.#pageKeys = limits.pageKeys
  }

  /** Asks another endpoint from now on, where there is one. */
  rotate(): void {
    this.#calls.rotate(this.#calls.turn)
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
    try {
      const { url, stream } = await this.#calls.open('/v3/watch', signal)
      yield* followKeys(stream, { range, startRevision, url, limits: this.#limits })
    } catch (error) {
      const failure = errorOf(error)
      if (failure instanceof DiscoveryError && failure.code === 'denied') this.#calls.forgetToken()
      throw failure
    }
  }

  close(): void {
    this.#calls.close()
  }

  async #listOnce(range: KeyRange, take: (kvs: RangeAnswer['kvs']) => void, signal: AbortSignal): Promise<Listing> {
    let after: string | null = null
    for (let revision: number | null = null; ;) {
      const request = rangeRequest(range, { limit: this.#pageKeys, revision, after })
      const { url, json } = await this.#calls.call('/v3/kv/range', request, signal)
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
}

function errorOf(error: unknown): unknown {
  return error instanceof Refusal ? refused(error.url, error.refusal) : error
}
