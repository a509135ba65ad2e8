import type { Endpoint } from './endpoint.ts'
import type { Failure } from './failure.ts'
import type { MatchInput } from './route.ts'
import type { PickInput } from './picker.ts'

/**
 * What an access log or a tracer may know of a settled exchange. Engines keep one object per connection and use it again:
 * whoever wants to keep something copies it before returning.
 */
export interface SettledExchange extends MatchInput, PickInput {
  /** With the query; as forwarded (normal form), or as received when it could not be parsed. */
  readonly url: string
  readonly requestId: string
  readonly listener: string
  /** Route id, or null when none matched. */
  readonly routeId: string | null
  readonly serviceName: string | null
  /** Endpoint of the last attempt. */
  readonly endpoint: Endpoint | null
  readonly attempts: number
  /** The status sent; 499 when the client left first. */
  readonly status: number
  readonly failure: Failure | null
  /** Body bytes from and to the client. */
  readonly requestBytes: number
  readonly responseBytes: number
  /** From the whole request head to the end of the answer, in milliseconds. */
  readonly durationMs: number
  /** The log's own: what it made of the client and the fields. The engine sets it to null when they are not those of the request before. */
  logged: LoggedFields | null
}

/** Parts of a log line that stay the same while a connection repeats its requests; those below `method` only while these do. */
export interface LoggedFields {
  readonly client: string
  readonly fields: string
  /** Of the request before, with the text that came of them. */
  method: string
  host: string
  asked: string
  routeId: string | null
  serviceName: string | null
  routed: string
}
