import type { ClientTlsSettings } from '../../core/snapshot.ts'
import type { EtcdFormat } from './formats/index.ts'

export interface EtcdOptions {
  readonly name: string
  readonly type: 'etcd'
  /** `http://127.0.0.1:2379` …, members of one cluster, without a final slash; a path before `/v3` is kept. At least one. */
  readonly endpoints: readonly string[]
  /** The children of `<prefix>/<service>/` are the instances; empty = services begin with the key. */
  readonly prefix: string
  readonly format: EtcdFormat
  readonly username: string | null
  readonly password: string | null
  /** For `https:` endpoints; null = as Node does by default. */
  readonly tls: ClientTlsSettings | null
}

/** Not for the configuration; tests shorten them. */
export interface EtcdLimits {
  /** For one answer, and for the confirmation of a watch. */
  readonly answerTimeoutMs: number
  /** How often the stream is asked for a sign of life; two unanswered ones in a row end it. */
  readonly probeIntervalMs: number
  /** Keys of one answer of a list. */
  readonly pageKeys: number
  /** Between two attempts to list everything, after the first two. */
  readonly restartIntervalMs: number
}

export const etcdLimits: EtcdLimits = Object.freeze({
  answerTimeoutMs: 10_000,
  probeIntervalMs: 2000,
  pageKeys: 2000,
  restartIntervalMs: 250,
})
