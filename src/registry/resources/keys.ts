import { ApiError } from '../api-error.ts'
import { answerQuery, refuseUnsupported } from '../blocking-query.ts'
import { requireName, type ApiAnswer, type ApiRequest, type LateAnswer } from '../http/api-request.ts'
import type { Operation } from '../http/operation.ts'
import type { KeyEntry, KeyStore } from '../key-store.ts'

const path = '/v1/kv'
/** Consul's `kv_max_value_size`. */
const maxValueBytes = 512 * 1024
/** Of a raw value, which is anybody's: a browser must not take it for a page. */
const rawHeaders = {
  'content-type': 'text/plain',
  'x-content-type-options': 'nosniff',
  'content-security-policy': 'sandbox',
}

/** `kv/…`: one value, all below a prefix (`?recurse`), or names alone (`?keys`). */
export function keyOperations(keys: KeyStore): Operation[] {
  return [
    { method: 'GET', path, takesName: true, answer: async (request) => readKeys(keys, request) },
    { method: 'PUT', path, takesName: true, answer: async (request) => putKey(keys, request) },
    { method: 'DELETE', path, takesName: true, answer: (request) => deleteKeys(keys, request) },
  ]
}

async function readKeys(keys: KeyStore, request: ApiRequest): Promise<LateAnswer> {
  const { name, query } = request
  if (query.has('keys')) {
    const separator = query.get('separator') ?? ''
    return answerQuery(keys, request, {
      index: () => keys.indexBelow(name),
      read: () => {
        const names = cutAt(separator, name.length, keys.list(name))
        // The root is always there, if empty.
        return names.length === 0 && name !== '' ? { status: 404 } : { json: names }
      },
    })
  }
  if (query.has('recurse')) {
    return answerQuery(keys, request, {
      index: () => keys.indexBelow(name),
      read: () => {
        const entries = keys.list(name)
        return entries.length === 0 ? { status: 404 } : { json: entries.map(entryJson) }
      },
    })
  }
  requireName(request, 'Missing key name')
  return answerQuery(keys, request, {
    index: () => keys.indexOf(name),
    read: () => {
      const entry = keys.get(name)
      if (entry === undefined) return { status: 404 }
      return query.has('raw') ? { bytes: entry.value, headers: rawHeaders } : { json: [entryJson(entry)] }
    },
  })
}

async function putKey(keys: KeyStore, request: ApiRequest): Promise<ApiAnswer> {
  const { query } = request
  const key = requireName(request, 'Missing key name')
  refuseUnsupported(query)
  refuseConflict(query, ['cas', 'acquire', 'release'])
  for (const name of ['acquire', 'release']) {
    if (query.has(name)) throw new ApiError(400, `?${name} is not supported by this registry, which has no sessions`)
  }
  const flags = readNumber(query, 'flags')
  const seen = readNumber(query, 'cas')
  const value = await request.bytes(maxValueBytes)
  keys.leadership.require()
  if (seen !== undefined && seen !== (keys.get(key)?.modifyIndex ?? 0)) return { json: false }
  keys.put(key, value, flags ?? 0)
  return { json: true }
}

function deleteKeys(keys: KeyStore, request: ApiRequest): ApiAnswer {
  const { name, query } = request
  refuseUnsupported(query)
  refuseConflict(query, ['recurse', 'cas'])
  const seen = readNumber(query, 'cas')
  const isTree = query.has('recurse')
  if (!isTree) requireName(request, 'Missing key name')
  keys.leadership.require()
  const entry = keys.get(name)
  if (seen !== undefined && entry !== undefined && entry.modifyIndex !== seen) return { json: false }
  if (isTree) keys.deleteBelow(name)
  else keys.delete(name)
  return { json: true }
}

/** Names up to the first separator beyond the prefix, each once: the folders and files of one level. */
function cutAt(separator: string, prefixLength: number, entries: readonly KeyEntry[]): string[] {
  const names = entries.map(({ key }) => {
    const at = separator === '' ? -1 : key.indexOf(separator, prefixLength)
    return at === -1 ? key : key.slice(0, at + separator.length)
  })
  return [...new Set(names)]
}

function entryJson({ key, value, flags, createIndex, modifyIndex }: KeyEntry) {
  return {
    LockIndex: 0,
    Key: key,
    Flags: flags,
    Value: value.length === 0 ? null : value.toString('base64'),
    CreateIndex: createIndex,
    ModifyIndex: modifyIndex,
  }
}

/** Throws where more than one of these is asked for. */
function refuseConflict(query: URLSearchParams, names: readonly string[]): void {
  if (names.filter((name) => query.has(name)).length <= 1) return
  query.sort()
  throw new ApiError(400, `Conflicting flags: ${query.toString()}`)
}

/** An unsigned integer of the query, in Go's words where it is none; undefined where it is absent. */
function readNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  if (!/^\d+$/.test(text)) throw new ApiError(500, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  if (Number.isSafeInteger(Number(text))) return Number(text)
  throw new ApiError(400, `?${name} is larger than this registry keeps: ${Number.MAX_SAFE_INTEGER}`)
}
