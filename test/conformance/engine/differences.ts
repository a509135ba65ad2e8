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

/** A test that is run for each way of delivery. */
const delivered = (what: string, ...titles: readonly string[]): string[] =>
  ['in one piece', 'byte by byte'].flatMap((how) => titles.map((title) => `${what}delivered ${how} > ${title}`))

/** Each case is looked for: one in which the difference no longer shows is an error too, and so is one that there is not. */
export const knownDifferences: readonly KnownDifference[] = [
  {
    engine: 'standard',
    difference: 'methods that llhttp does not know are 400',
    reason: 'llhttp knows its methods by a table',
    cases: [
      'forwards a method that is in no registry',
      ...delivered('a request line ', 'forwards the method get as it came'),
      ...delivered('a request line ', `forwards the method ${'X'.repeat(32)} as it came`),
    ],
  },
  {
    engine: 'standard',
    difference: 'more than one space in a request line is taken for one',
    reason: 'llhttp skips spaces',
    cases: delivered('a request line ', 'refuses two spaces after the method', 'refuses two spaces after the target'),
  },
  {
    engine: 'standard',
    difference: 'CR, LF and empty lines in front of a request are ignored, however many',
    reason: 'llhttp skips them, where RFC 9112 section 2.2 asks for one empty line',
    cases: [
      ...delivered(
        'a request line ',
        'refuses two empty lines in front',
        'refuses an empty line that ends in LF alone',
      ),
      ...['\\n\\n', '\\n', '\\r'].flatMap((end) => [
        ...delivered('', `a line end in front of a request that is "${end}" is refused`),
        `a repeated request with "${end}" in front is refused like the first`,
      ]),
      ...delivered(
        'requests behind each other > ',
        'a refused one, "\\r\\n\\r\\n", ends the connection behind the answers before it',
      ),
      'refuses 50,000 empty lines',
    ],
  },
  {
    engine: 'standard',
    difference:
      'a request line without a version, of HTTP/0.9, is 505 instead of 400, and only when a whole head has come',
    reason: 'llhttp takes it for the beginning of a head',
    cases: [
      ...delivered('a request line ', 'refuses an HTTP/0.9 request with a field'),
      ...delivered('a request of HTTP/0.9 ', 'is refused at its line end: "GET /\\r\\n"'),
    ],
  },
  {
    engine: 'standard',
    difference: 'fields of one name are written together, and white space around values as one space before them',
    reason: 'node:http writes fields so',
    cases: [
      ...delivered('fields ', 'carries values with tabs and high bytes, and names with an underscore, as they came'),
      'takes as many fields as the listener allows, and refuses one more',
    ],
  },
  {
    engine: 'standard',
    difference: 'a tab behind `chunked` is 400',
    reason: 'llhttp takes no white space but spaces there',
    cases: [
      'Transfer-Encoding with a tab behind it',
      ...delivered('framing ', 'takes the coding "Chunked \\t" for chunked'),
    ],
  },
  {
    engine: 'standard',
    difference: 'chunk sizes may have any number of zeros in front, and be as large as 2^64 - 1',
    reason: 'llhttp counts in 64 bits',
    cases: [
      ...delivered(
        'a chunked body ',
        'refuses a size of 2^64 - 1',
        'refuses a size of 14 digits',
        'refuses a size of 17 digits',
      ),
      'refuses a megabyte of leading zeros',
    ],
  },
  {
    engine: 'standard',
    difference: 'chunk extensions may be 16 KiB a chunk, and lack a value behind `=`',
    reason: 'llhttp has its own rules for them; they are not forwarded either',
    cases: [
      ...delivered('a chunked body ', 'refuses an extension over 256 bytes', 'refuses an extension without a value'),
      'refuses extensions that are short each and endless together',
      'a body that breaks off > with an extension over 256 bytes is cut visibly',
      'a body that breaks off > with extensions that are endless together is cut visibly',
    ],
  },
  {
    engine: 'standard',
    difference: 'a length or a coding in trailers is 400, where the fast engine drops it',
    reason: 'llhttp frames by them',
    cases: [
      'trailers that would frame',
      ...delivered('a chunked body ', 'drops trailers that frame, route or authenticate, and forwards the rest'),
    ],
  },
  {
    engine: 'standard',
    difference: 'an upgrade that the endpoint does not take ends the client’s connection behind the answer',
    reason: 'node:http gives the connection away with the `upgrade` event',
    cases: [
      'goes on with the connection after an upgrade that was not taken',
      'reads on as HTTP after an upgrade that was answered with 200',
      'reads on as HTTP after an upgrade that was answered with 426',
    ],
  },
  {
    engine: 'standard',
    difference: 'an expectation that was not answered with 100 ends the client’s connection behind the answer',
    reason: 'node:http ends a connection whose client asked for a 100 and did not get it',
    cases: ['an expectation whose body came along'],
  },
  {
    engine: 'standard',
    difference: 'response heads above 16 KiB are 502',
    reason: 'http-proxy leaves the limit of node:http',
    cases: ['forwards a response head of 32 KiB'],
  },
  {
    engine: 'standard',
    difference: 'a response with 1,000 trailers or more is cut',
    reason: 'node:http leaves out those above, without a word',
    cases: ['1,500 short trailers are relayed'],
  },
  {
    engine: 'standard',
    difference: 'empty lines in front of a response are ignored',
    reason: 'llhttp skips them',
    cases: ['in one piece', 'byte by byte'].flatMap((how) => [
      `a response that comes ${how} > is a bad gateway when it holds an empty line first`,
      `a response that comes ${how} > is a bad gateway when it holds an empty line behind an interim response`,
    ]),
  },
  {
    engine: 'standard',
    difference: 'an interim response that says `close` is the last of its connection: what follows it is 502',
    reason: 'llhttp reads no message behind it',
    cases: ['interim responses > that say close speak of the final one'],
  },
]

export function isKnownDifference(engine: EngineName, title: string): boolean {
  return knownDifferences.some((known) => known.engine === engine && known.cases.includes(title))
}
