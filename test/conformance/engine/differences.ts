import type { EngineName } from '../../../src/core/snapshot.ts'

/** What an engine is known to do otherwise, and why that stays so. */
export interface KnownDifference {
  readonly engine: EngineName
  /** As docs/guides/operate.md tells it. */
  readonly difference: string
  readonly reason: string
  /** Titles of tests that run over both engines, or names of inputs in inputs.ts. */
  readonly cases: readonly string[]
}

/** Each case is looked for: one in which the difference no longer shows is an error too, and so is one that there is not. */
export const knownDifferences: readonly KnownDifference[] = [
  {
    engine: 'standard',
    difference: 'an upgrade that the endpoint does not take ends the client’s connection behind the answer',
    reason: 'node:http gives the connection away with the `upgrade` event',
    cases: ['goes on with the connection after an upgrade that was not taken'],
  },
  {
    engine: 'standard',
    difference: 'methods that llhttp does not know are 400',
    reason: 'llhttp knows its methods by a table',
    cases: ['forwards a method that is in no registry'],
  },
  {
    engine: 'standard',
    difference: 'a request without a body gets `content-length: 0` where its method usually has one',
    reason: 'node:http says so (RFC 9110 section 8.6)',
    cases: ['adds no framing to a request that has none'],
  },
  {
    engine: 'standard',
    difference: 'response heads above 16 KiB are 502',
    reason: 'http-proxy leaves the limit of node:http',
    cases: ['forwards a response head of 32 KiB'],
  },
  {
    engine: 'standard',
    difference: 'an expectation that was not answered with 100 ends the client’s connection behind the answer',
    reason: 'node:http ends a connection whose client asked for a 100 and did not get it',
    cases: ['an expectation whose body came along'],
  },
  {
    engine: 'standard',
    difference: 'a length or coding in trailers is 400, where the fast engine drops it',
    reason: 'llhttp frames by them',
    cases: ['trailers that would frame'],
  },
  {
    engine: 'standard',
    difference: 'a tab behind `chunked` is 400',
    reason: 'llhttp takes no white space but spaces there',
    cases: ['Transfer-Encoding with a tab behind it'],
  },
]

export function isKnownDifference(engine: EngineName, title: string): boolean {
  return knownDifferences.some((known) => known.engine === engine && known.cases.includes(title))
}
