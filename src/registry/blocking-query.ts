import { ApiError } from './api-error.ts'
import { untilCommitted } from './blocking.ts'
import type { Catalog } from './catalog.ts'
import { parseGoDuration } from './go-duration.ts'
import type { ApiAnswer, ApiRequest } from './http/api-request.ts'
import { datacenter } from './model.ts'

const defaultWaitMs = 5 * 60_000
const maxWaitMs = 10 * 60_000
/** Parameters that change what Consul answers, and would be wrong to ignore. */
const unsupportedParameters = ['filter', 'node-meta', 'peer', 'sg', 'merge-central-config']

export interface CatalogQuery {
  readonly index: () => number
  /** Whether the latest commit touched what the query reads: an index may grow for less. */
  readonly wasTouched: () => boolean
  readonly read: () => unknown
}

/**
 * Answers a query of the catalog: at once, or with `?index=N` when its index has grown beyond N or `?wait` is over. `read` is called
 * last, so that what is sent is what holds then.
 */
export async function answerQuery(catalog: Catalog, request: ApiRequest, query: CatalogQuery): Promise<ApiAnswer> {
  refuseUnsupported(request.query)
  const consistency = readConsistency(request.query)
  const afterIndex = readIndex(request.query)
  const waitMs = readWaitMs(request.query)
  if (query.index() <= afterIndex) {
    const isDone = () => query.index() > afterIndex && query.wasTouched()
    // Consul spreads the ends of waits that began together.
    const jitterMs = (Math.random() * waitMs) / 16
    await untilCommitted(catalog, isDone, waitMs + jitterMs, request.signal)
  }
  return {
    json: query.read(),
    headers: {
      'x-consul-index': String(query.index()),
      'x-consul-knownleader': 'true',
      'x-consul-lastcontact': '0',
      'x-consul-effective-consistency': consistency,
      // The agent's cache is the catalog itself here.
      ...(request.query.has('cached') && { 'x-cache': 'HIT', age: '0' }),
    },
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
