import { z } from 'zod'
import { type EtcdAccess, EtcdCalls, Refusal } from '../../discovery/etcd/calls.ts'
import { grpcCodes } from '../../discovery/etcd/error.ts'
import type { KeyRange } from '../../discovery/etcd/key-space.ts'
import { keyValues } from '../../discovery/etcd/wire.ts'
import type { Random } from '../../util/random.ts'
import { storeError } from './store-error.ts'

/** Of a 64-bit number, which a number of JavaScript would not hold. */
export type LeaseId = string

/** What is under a key. */
export interface Stored {
  readonly key: string
  readonly value: string
  /** Null = it stays until it is deleted. */
  readonly lease: LeaseId | null
}

const answerTimeoutMs = 5000
/** However many services a process registers. */
const maxSockets = 4

// https://etcd.io/docs/v3.4/dev-guide/api_reference_v3/
const rangeAnswer = z.object({ kvs: keyValues })
const deleteAnswer = z.object({ prev_kvs: keyValues })
const grantAnswer = z.object({ ID: z.string() })
const keepAliveAnswer = z.object({ result: z.object({ TTL: z.string().default('0') }) })
const anything = z.object({})

/** The calls of etcd that joining needs. Reads are linearizable: they show what any reader may see from then on. */
export class EtcdStore {
  readonly #calls: EtcdCalls

  constructor(access: EtcdAccess, random: Random) {
    this.#calls = new EtcdCalls(access, { answerTimeoutMs, maxSockets }, random)
  }

  async get(key: string, signal: AbortSignal): Promise<Stored | null> {
    const { kvs } = await this.#ask('/v3/kv/range', { key: base64(key) }, rangeAnswer, signal)
    return kvs.map(storedOf)[0] ?? null
  }

  async list({ key, end }: KeyRange, signal: AbortSignal): Promise<readonly Stored[]> {
    const range = { key: base64(key), range_end: base64(end) }
    const { kvs } = await this.#ask('/v3/kv/range', range, rangeAnswer, signal)
    return kvs.map(storedOf)
  }

  async put({ key, value, lease }: Stored, signal: AbortSignal): Promise<void> {
    const body = { key: base64(key), value: base64(value), ...(lease !== null && { lease }) }
    await this.#ask('/v3/kv/put', body, anything, signal)
  }

  /** Another value under a key that is there, with the lease that it has. @returns false where it is gone */
  async rewrite(key: string, value: string, signal: AbortSignal): Promise<boolean> {
    const body = { key: base64(key), value: base64(value), ignore_lease: true }
    return this.#askUnless(isKeyNotFound, '/v3/kv/put', { body, signal })
  }

  /** @returns what was there */
  async delete(key: string, signal: AbortSignal): Promise<Stored | null> {
    const body = { key: base64(key), prev_kv: true }
    const { prev_kvs } = await this.#ask('/v3/kv/deleterange', body, deleteAnswer, signal)
    return prev_kvs.map(storedOf)[0] ?? null
  }

  async grant(ttlSeconds: number, signal: AbortSignal): Promise<LeaseId> {
    const { ID } = await this.#ask('/v3/lease/grant', { TTL: String(ttlSeconds) }, grantAnswer, signal)
    return ID
  }

  /** @returns false where the lease is over */
  async keepAlive(lease: LeaseId, signal: AbortSignal): Promise<boolean> {
    const { result } = await this.#ask('/v3/lease/keepalive', { ID: lease }, keepAliveAnswer, signal)
    return Number(result.TTL) > 0
  }

  /** Deletes all keys that have the lease. One that is over is fine. */
  async revoke(lease: LeaseId, signal: AbortSignal): Promise<void> {
    await this.#askUnless(isLeaseNotFound, '/v3/lease/revoke', { body: { ID: lease }, signal })
  }

  close(): void {
    this.#calls.close()
  }

  async #ask<T>(path: string, body: object, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const { turn } = this.#calls
    try {
      const { url, json } = await this.#calls.call(path, JSON.stringify(body), signal)
      const parsed = schema.safeParse(json)
      if (parsed.success) return parsed.data
      throw new Error(`${url} is not etcd's HTTP API: its answer can't be read; check the address`)
    } catch (error) {
      throw this.#failed(error, turn)
    }
  }

  /** @returns false where it was refused for that reason */
  async #askUnless(
    isFine: (refusal: Refusal) => boolean,
    path: string,
    { body, signal }: { readonly body: object; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const { turn } = this.#calls
    try {
      await this.#calls.call(path, JSON.stringify(body), signal)
      return true
    } catch (error) {
      if (error instanceof Refusal && isFine(error)) return false
      throw this.#failed(error, turn)
    }
  }

  /** The next attempt asks another member. */
  #failed(error: unknown, turn: number): Error {
    const failure = storeError(error)
    if (failure.isPassing) this.#calls.rotate(turn)
    return failure
  }
}

function isKeyNotFound({ refusal }: Refusal): boolean {
  return refusal.code === grpcCodes.invalidArgument && refusal.message.includes('key not found')
}

function isLeaseNotFound({ refusal }: Refusal): boolean {
  return refusal.code === grpcCodes.notFound
}

function storedOf({ key, value, lease }: z.output<typeof keyValues>[number]): Stored {
  return { key, value, lease: lease === '0' ? null : lease }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
