import type { Attack } from './attack.ts'

/** From clients: many at once, slow, or gone. */
export const conduct: readonly Attack[] = [
  {
    input: '1,000 pipelined requests',
    outcome: 'answered in order',
    shownBy: [
      ['strictness-pipelining', '3 at once are answered in their order', '1000 at once are answered in their order'],
      ['flow-floods', 'pipeline 200 requests each'],
    ],
  },
  {
    input: 'bytes one by one, or parted anywhere',
    outcome: 'the same as in one piece',
    shownBy: [
      ['strictness-framing', 'framing delivered byte by byte'],
      ['strictness-headers', 'fields delivered byte by byte'],
      ['strictness-response', 'a response that comes byte by byte'],
      ['../fuzz/h1', 'wherever its delivery parts'],
    ],
  },
  {
    input: 'garbage behind a whole request',
    outcome: 'the request is answered, then 400',
    shownBy: [['strictness-pipelining', 'ends the connection behind the answers before it']],
  },
  {
    input: 'FIN or a reset in a body',
    outcome: 'the upstream connection is destroyed',
    shownBy: [['strictness-pipelining', 'in a body, with FIN', 'in a chunk, with a reset', 'before the last CRLF']],
  },
  {
    input: 'FIN in a head; FIN behind a whole request',
    outcome: 'nothing goes upstream; answered, or given up after a second',
    shownBy: [
      ['strictness-pipelining', 'in the middle of a head leaves nothing upstream'],
      ['flow-aborts', 'gets its answer', 'that is not answered soon gives the attempt up'],
    ],
  },
  {
    input: 'an early answer while the body goes on',
    outcome: 'the rest is dropped, by its framing, or both connections end; the one to the endpoint always does',
    shownBy: [
      ['strictness-pipelining', 'an early answer to a body that goes on'],
      [
        'flow-dropped-rest',
        'the rest is never taken for requests',
        'a rest that is no chunked body',
        'more than 1 MiB',
      ],
    ],
  },
  {
    input: 'heads and bodies that stall, connections that ask for nothing, answers that are not read',
    outcome: '408, or closed; others are served',
    shownBy: [
      ['flow-floods', 'a head that never ends', 'in the middle of their body', 'ask for nothing', 'do not take their'],
      ['flow-slow-clients', 'does not start anew with every byte'],
    ],
  },
  {
    input: 'more connections than allowed, in all or from one address',
    outcome: '503 and closed, above 500 at once closed; others are served',
    shownBy: [
      ['flow-floods', '51 may in all: 250 are 503 and closed', 'the others are closed at once'],
      ['threads-limits', 'holds per client, and one client stands in no other’s way'],
    ],
  },
  {
    input: 'a field line or fields without end; chunks of one byte',
    outcome: '431, and not read on; forwarded',
    shownBy: [['flow-floods', 'never ends its field line', 'sends fields without end', 'chunks of one byte']],
  },
]
