import type { Attack } from './attack.ts'

const badGateway = '502'

/** From endpoints. */
export const responses: readonly Attack[] = [
  {
    input: 'two framings, two lengths, a bad length, a transfer coding that is not `chunked`',
    outcome: badGateway,
    shownBy: [['strictness-response', 'a length and chunked', 'two lengths', 'a length with a sign', 'identity']],
  },
  {
    input: 'a bad chunk, or an end before the end',
    outcome: 'cut visibly, never complete',
    shownBy: [['strictness-response-body', 'is cut visibly', 'with a bad chunk size', 'in a chunk, with FIN']],
  },
  {
    input: 'no HTTP, HTTP/0.9, a bad status line',
    outcome: badGateway,
    shownBy: [['strictness-response', 'holds garbage', 'an HTTP/0.9 body', 'a status of four digits', 'no status']],
  },
  {
    input: 'CR, LF or NUL in names, values or the reason (response splitting)',
    outcome: badGateway,
    shownBy: [
      ['strictness-response', 'NUL in a value', 'CR in a value', 'LF in a value', 'LF in a name', 'LF in the reason'],
      ['strictness-response', 'LF LF and another response', 'LF and a field in the reason'],
      ['strictness-line-ends', 'behind a status line', 'behind the head of a response', 'behind an interim head'],
    ],
  },
  {
    input: 'more bytes, or a second response, behind the first',
    outcome: 'reach nobody; the connection is destroyed',
    shownBy: [
      ['strictness-response-body', 'more than its length', 'a second response', 'while the connection is idle'],
      ['flow-floods-upstream', 'sends body without end behind a whole answer'],
    ],
  },
  {
    input: 'a body to HEAD, with 204 or 304',
    outcome: 'not relayed; the connection is destroyed',
    shownBy: [['strictness-response-body', 'a body to HEAD', 'a body with 204', 'a body with 304']],
  },
  {
    input: 'interim responses; 33 of them',
    outcome: 'relayed; 502',
    shownBy: [
      ['strictness-response-body', 'are relayed in front of the final one'],
      ['flow-interim', 'takes 32 interim answers', 'no endless row'],
      ['flow-floods-upstream', 'sends interim answers without end'],
    ],
  },
  {
    input: 'a head of a megabyte, of 10,000 fields, without end',
    outcome: badGateway,
    shownBy: [
      ['strictness-response', 'a field of a megabyte', 'a status line of a megabyte', 'ten thousand fields'],
      ['flow-floods-upstream', 'never ends its field line', 'never ends its status line'],
    ],
  },
  {
    input: 'a head that drips',
    outcome: '504 when its time is up',
    shownBy: [['flow-floods-upstream', 'it has the time of a head, not of every byte']],
  },
]
