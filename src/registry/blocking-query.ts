import { ApiError } from './api-error.ts'
import { untilCommitted, type Watched } from './blocking.ts'
import { parseGoDuration } from './go-duration.ts'
import type { ApiAnswer, ApiRequest, LateAnswer } from './http/api-request.ts'
import { leaderHeaders, type Leadership } from './leadership.ts'
import { datacenter } from './model.ts'

const defaultWaitMs = 5 * 60_000
const maxWaitMs = 10 * 60_000
/** Parameters that change what Consul answers, and would be wrong to ignore. */
const unsupportedParameters = ['filter', 'node-meta', 'peer', 'sg', 'merge-central-config']

/** What the servers keep: the catalog, or the keys. */
export interface Store extends Watched {
  readonly leadership: Leadership
  /** Grows when the store begins to count its indexes anew. */
  readonly era: number
  /** Of its latest change. */
  readonly lastIndex: number
}

export interface StoreQuery {
  readonly index: () => number
  /** Whether the latest commit touched what the query reads: an index may grow for less. Default: always. */
  readonly wasTouched?: () => boolean
  /** Whose index `index` is, where it is that of one service. */
  readonly service?: string
  readonly read: () => ApiAnswer
}

/**
 * Answers a query of a store: at once, or with `?index=N` when its index has grown beyond N or `?wait` is over. `read` is called
 * when it is sent, so that what is sent is what holds then.
 */
export async function answerQuery(store: Store, request: ApiRequest, query: StoreQuery): Promise<LateAnswer> {
  refuseUnsupported(request.query)
  const consistency = readConsistency(request.query)
  const { leadership, era } = store
  // Servers without a leader answer from what they know who takes that, and an agent from its cache.
  const isCached = request.query.has('cached')
  if (consistency !== 'stale' && !isCached) leadership.require()
  const afterIndex = readIndex(request.query)
  const waitMs = readWaitMs(request.query)
  // An index of an earlier count: Consul would have the client wait for nothing, and tests of what it does then wait with it.
  const isBygone = era > 0 && afterIndex > store.lastIndex
  if (query.index() <= afterIndex && !isBygone) {
    const isDone = () => store.era !== era || (query.index() > afterIndex && (query.wasTouched?.() ?? true))
    // Consul spreads the ends of waits that began together.
    const jitterMs = (Math.random() * waitMs) / 16
    const { signal } = request
    await untilCommitted(store, isDone, { waitMs: waitMs + jitterMs, signal, service: query.service })
  }
  return () => {
    const answer = query.read()
    return {
      ...answer,
      headers: {
        ...answer.headers,
        'x-consul-index': String(query.index()),
        // A cache tells what was true when it was filled.
        ...(isCached ? leaderHeaders(true, 0) : leaderHeaders(!leadership.isLost, leadership.lastContactMs)),
        'x-consul-effective-consistency': consistency,
        // The agent's cache is the catalog itself here.
        ...(isCached && { 'x-cache': 'HIT', age: '0' }),
      },
    }
  }
}

/** Throws for parameters that would select something else than this registry's one namespace and datacenter. */
export function refuseUnsupported(query: URLSearchParams): void {
  for (const name of unsupportedParameters) {
    if (query.get(name)) throw new ApiError(400, `?${name} is not supported by this registry`)
  }
  for (const name of ['ns', 'partition']) {
    if (!['', 'default'].includes(query.get(name) ?? '')) throw new ApiError(400, `?${name} must be "default"`)
  }
  if (!['', datacenter].includes(query.get('dc') ?? '')) throw new ApiError(500, 'No path to datacenter')
}

/** `?wait` in milliseconds, 5 min by default and 10 min at most. */
export function readWaitMs(query: URLSearchParams): number {
  const text = query.get('wait') ?? ''
  const waitMs = text ? parseGoDuration(text) : 0
  if (waitMs === undefined) throw new ApiError(400, 'Invalid wait time')
  return waitMs > 0 ? Math.min(waitMs, maxWaitMs) : defaultWaitMs
}

function readIndex(query: URLSearchParams): number {
  const text = query.get('index') ?? ''
  if (!/^\d*$/.test(text)) throw new ApiError(400, 'Invalid index')
  return Number(text)
}

function readConsistency(query: URLSearchParams): 'stale' | 'consistent' | 'leader' {
  const [isStale, isConsistent, isCached] = ['stale', 'consistent', 'cached'].map((name) => query.has(name))
  if (isStale && isConsistent) {
    throw new ApiError(400, 'Cannot specify ?stale with ?consistent, conflicting semantics.')
  }
  if (isCached && isConsistent) {
    throw new ApiError(400, 'Cannot specify ?cached with ?consistent, conflicting semantics.')
  }
  return isStale ? 'stale' : isConsistent ? 'consistent' : 'leader'
}
