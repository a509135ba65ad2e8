import { ApiError } from '../api-error.ts'

/** A request of the API, past routing. */
export interface ApiRequest {
  /** What follows the operation's path, decoded: a service's name, a check's id; empty where nothing does. */
  readonly name: string
  readonly query: URLSearchParams
  /** Aborts when the connection ends, by the client or as the registry closes: nobody waits for an answer any more. */
  readonly signal: AbortSignal
  /** The parsed body; rejects with an `ApiError` where it is too large or not JSON. */
  readonly body: () => Promise<unknown>
  /** The body as it came; rejects with an `ApiError` where it is too large. */
  readonly bytes: (maxBytes: number) => Promise<Buffer>
}

export interface ApiAnswer {
  /** Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Absent, and no bytes either: an empty answer, as Consul gives to what it was told. */
  readonly json?: unknown
  /** Sent as they are, with headers that say what they are. */
  readonly bytes?: Buffer
}

/**
 * An answer made when it is sent. The promises of a request that has waited for minutes are in V8's old generation, and a list of rows
 * that they resolved to would be kept until all of that is collected.
 */
export type LateAnswer = () => ApiAnswer

/** The name in the path, or 400 with `missing`. */
export function requireName(request: ApiRequest, missing: string): string {
  if (!request.name) throw new ApiError(400, missing)
  return request.name
}

/**
 * A flag in the query as Consul reads it: `?passing` alone means yes, and so does Go's every spelling of true. Undefined where it is
 * absent; `wrong` is what a 400 says of any other value.
 */
export function readFlag(query: URLSearchParams, name: string, wrong: string): boolean | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  if (['', '1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false
  throw new ApiError(400, wrong)
}
