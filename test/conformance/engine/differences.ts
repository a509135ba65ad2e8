import type { EngineName } from '../../../src/core/snapshot.ts'

/** A case in which an engine is known to differ, and why that stays so. */
export interface KnownDifference {
  readonly engine: EngineName
  /** Title of a case in engine.test.ts, or name of an input in inputs.ts. */
  readonly case: string
  readonly reason: string
}

/** Each is looked for: one that no longer shows is an error too. */
export const knownDifferences: readonly KnownDifference[] = [
  {
    engine: 'standard',
    case: 'goes on with the connection after an upgrade that was not taken',
    reason: 'node:http gives the connection away with the `upgrade` event; it ends behind the answer',
  },
  {
    engine: 'standard',
    case: 'forwards a method that is in no registry',
    reason: 'llhttp knows its methods by a table; any other is 400',
  },
  {
    engine: 'standard',
    case: 'adds no framing to a request that has none',
    reason: 'node:http says `content-length: 0` for methods that usually have a body (RFC 9110 section 8.6)',
  },
  {
    engine: 'standard',
    case: 'forwards a response head of 32 KiB',
    reason: 'http-proxy leaves the limit of node:http, 16 KiB',
  },
  {
    engine: 'standard',
    case: 'an expectation whose body came along',
    reason: 'node:http ends a connection whose client asked for a 100 and did not get it',
  },
  {
    engine: 'standard',
    case: 'trailers that would frame',
    reason: 'llhttp refuses a Content-Length in trailers, which the fast engine drops',
  },
  {
    engine: 'standard',
    case: 'Transfer-Encoding with a tab behind it',
    reason: 'llhttp takes no white space but spaces behind `chunked`',
  },
]
