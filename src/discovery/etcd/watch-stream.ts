import { grpcCodes, refused, unreachable, unreadable } from './error.ts'
import type { KeyRange } from './key-space.ts'
import type { EtcdLimits } from './options.ts'
import { type LineStream, TimeIsUp } from './transport.ts'
import { progressRequest, watchLine, watchRequest, type WatchResult } from './wire.ts'

/** Events of one or more whole revisions, in their order. */
export interface KeyChanges {
  /** Of the last event. */
  readonly revision: number
  readonly changes: readonly KeyChange[]
}

export interface KeyChange {
  readonly key: string
  /** Null = the key is gone. */
  readonly value: string | null
  readonly revision: number
}

interface Following {
  readonly range: KeyRange
  readonly startRevision: number
  readonly url: string
  readonly limits: EtcdLimits
}

/** One watch over one stream. Ends where etcd has compacted the start revision; throws a DiscoveryError at every other end. */
export async function* followKeys(stream: LineStream, following: Following): AsyncGenerator<KeyChanges, void, void> {
  const { range, startRevision, url, limits } = following
  const pulse = new Pulse(stream, limits)
  try {
    stream.write(watchRequest(range, startRevision))
    const status = await stream.status
    for await (const line of stream.lines) {
      const result = resultOf(line, { status, url })
      pulse.heard(result.created)
      if (result.canceled && result.compact_revision > 0) return
      if (result.canceled) {
        const isDenied = result.cancel_reason.includes('permission denied')
        throw refused(url, {
          status: null,
          code: isDenied ? grpcCodes.permissionDenied : null,
          message: result.cancel_reason || 'canceled',
        })
      }
      const changes = result.events.map(changeOf)
      const last = changes.at(-1)
      if (last !== undefined) yield { revision: last.revision, changes }
    }
    throw new Error('it ended the stream')
  } catch (error) {
    throw unreachable(error, url)
  } finally {
    pulse.stop()
    stream.destroy(new Error('nobody listens any more'))
  }
}

/**
 * Ends a stream that is dead: silence is what a watch mostly hears, so etcd is asked for its progress. Two signs of life have to be
 * missing, since after a stall of our own the timer comes before what was received meanwhile.
 */
class Pulse {
  readonly #stream: LineStream
  readonly #limits: EtcdLimits
  #timer: NodeJS.Timeout
  #unanswered = 0

  constructor(stream: LineStream, limits: EtcdLimits) {
    this.#stream = stream
    this.#limits = limits
    this.#timer = setTimeout(() => stream.destroy(new TimeIsUp()), limits.answerTimeoutMs).unref()
  }

  heard(isFirst: boolean): void {
    this.#unanswered = 0
    if (!isFirst) return
    clearTimeout(this.#timer)
    this.#timer = setInterval(() => this.#probe(), this.#limits.probeIntervalMs).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #probe(): void {
    if (this.#unanswered >= 2) this.#stream.destroy(new TimeIsUp())
    else {
      this.#unanswered++
      this.#stream.write(progressRequest)
    }
  }
}

function resultOf(line: string, { status, url }: { status: number; url: string }): WatchResult {
  const parsed = watchLine.safeParse(parse(line))
  const { result, error } = parsed.data ?? {}
  if (error !== undefined) {
    const { grpc_code: grpcCode, code = grpcCode ?? null, message } = error
    throw refused(url, { status: null, code, message })
  }
  if (status !== 200) throw refused(url, { status, code: null, message: line })
  if (result === undefined) throw unreadable(url, 'it is not a stream of watch results')
  return result
}

function changeOf({ type, kv }: WatchResult['events'][number]): KeyChange {
  return { key: kv.key, value: type === 'DELETE' ? null : kv.value, revision: kv.mod_revision }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
