import type { Attack } from './attack.ts'

const refused = '400'
const one = 'one canonical request'

/** From clients: how a request and its body are told from what follows. */
export const framing: readonly Attack[] = [
  {
    input: 'Content-Length and Transfer-Encoding, in any order',
    outcome: refused,
    shownBy: [['strictness-framing', 'a length before chunked', 'a length after chunked', 'a length far from chunked']],
  },
  {
    input: 'Transfer-Encoding in HTTP/1.0',
    outcome: refused,
    shownBy: [['strictness-framing', 'refuses chunked in HTTP/1.0', 'chunked and keep-alive']],
  },
  {
    input: 'a transfer coding that is not `chunked`: identity, xchunked, cow, an empty one',
    outcome: refused,
    shownBy: [['strictness-framing', 'refuses identity', 'refuses xchunked', 'refuses cow', 'an empty coding']],
  },
  {
    input: 'a coding behind `chunked`, or `chunked` twice',
    outcome: refused,
    shownBy: [['strictness-framing', 'chunked, identity', 'chunked, gzip', 'chunked, chunked']],
  },
  {
    input: '`gzip, chunked`',
    outcome: '501',
    shownBy: [['strictness-framing', 'gzip, chunked', 'GZIP , Chunked']],
  },
  {
    input: 'Transfer-Encoding twice',
    outcome: refused,
    shownBy: [['strictness-framing', 'chunked in two fields', 'gzip and chunked in two fields']],
  },
  {
    input: '`chunked` with a comma, in quotes, with a parameter',
    outcome: refused,
    shownBy: [['strictness-framing', 'a leading comma', 'a trailing comma', 'a quoted coding', 'with a parameter']],
  },
  {
    input: '`chunked` beside VT, FF, NUL, a no-break space, NEL',
    outcome: refused,
    shownBy: [
      ['strictness-framing', 'a vertical tab before', 'a form feed after', 'NUL after', 'a next-line character'],
    ],
  },
  {
    input: 'a length with a sign, a prefix, a list, letters, white space, or none',
    outcome: refused,
    shownBy: [
      [
        'strictness-framing',
        'the length "+5"',
        'the length "-5"',
        'the length "0x5"',
        'the length "5,5"',
        'the length "5x"',
      ],
      ['strictness-framing', 'the length "5 5"', 'the length ""'],
    ],
  },
  {
    input: 'Content-Length twice, equal or not',
    outcome: refused,
    shownBy: [['strictness-framing', 'two equal lengths', 'two different lengths']],
  },
  {
    input: 'a length of 2^63, 2^64 + 5, of 20 digits',
    outcome: refused,
    shownBy: [['strictness-framing', '9223372036854775808', '18446744073709551621', '10000000000000000000']],
  },
  {
    input: 'a body with GET, HEAD, DELETE, OPTIONS',
    outcome: `${one}, framed as it came`,
    shownBy: [['strictness-framing', 'by its length', 'by its chunks', 'without framing']],
  },
  {
    input: '`Transfer_Encoding`, `Content_Length`',
    outcome: `${one} without them`,
    shownBy: [['strictness-headers', 'drops the underscore twin', 'Transfer_Encoding: chunked']],
  },
  {
    input: 'a chunk size with a prefix, sign, letters, white space, or none',
    outcome: refused,
    shownBy: [
      [
        'strictness-chunked',
        'the chunk size "0x5"',
        'the chunk size "+5"',
        'the chunk size "-5"',
        'the chunk size "5z"',
      ],
      ['strictness-chunked', 'the chunk size " 5"', 'the chunk size "5 "', 'the chunk size ""'],
    ],
  },
  {
    input: 'a chunk size past 2^64, of 17 digits, of a megabyte of zeros',
    outcome: refused,
    shownBy: [['strictness-chunked', 'a size of 2^64 + 5', 'a size of 17 digits', 'a megabyte of leading zeros']],
  },
  {
    input: 'chunk data without CRLF, longer or shorter than its size',
    outcome: refused,
    shownBy: [['strictness-chunked', 'data without CRLF', 'data longer than', 'data shorter than']],
  },
  {
    input: 'CR or LF alone behind a chunk size, data, an extension, the last chunk, in trailers',
    outcome: refused,
    shownBy: [
      ['strictness-chunked', 'LF after a size', 'CR after a size', 'LF after data', 'LF in an extension'],
      ['strictness-chunked', 'CR after the last size', 'LF instead of the last line', 'CR in a trailer'],
      [
        'strictness-line-ends',
        'behind a chunk size',
        'behind chunk data',
        'behind a chunk extension',
        'behind trailers',
      ],
    ],
  },
  {
    input: 'NUL, a control character or a high byte in a chunk extension',
    outcome: refused,
    shownBy: [
      ['strictness-chunked', 'NUL in an extension', 'a control character in an extension', 'a high byte in an'],
    ],
  },
  {
    input: 'chunk extensions above 256 bytes each, 16 KiB a message; trailers above 16 KiB',
    outcome: refused,
    shownBy: [['strictness-chunked', 'an extension over 256 bytes', 'endless together', 'refuses endless trailers']],
  },
  {
    input: 'chunk extensions that are well-formed',
    outcome: 'never forwarded',
    shownBy: [['strictness-chunked', 'in canonical chunks', 'extensions']],
  },
  {
    input: 'a trailer without colon, with a bad name, folded',
    outcome: refused,
    shownBy: [['strictness-chunked', 'a trailer without a colon', 'a trailer with a bad name', 'a folded trailer']],
  },
  {
    input: 'trailers that frame, route or authenticate',
    outcome: 'dropped; no trailer becomes a field',
    shownBy: [
      ['strictness-chunked', 'drops trailers that frame, route or authenticate', 'drops the trailer authorization'],
    ],
  },
]
