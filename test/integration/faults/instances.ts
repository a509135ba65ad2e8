import type { FaultRow } from './fault-row.ts'

/** Of the instances. */
export const instances: readonly FaultRow[] = [
  {
    number: 14,
    fault: 'killed (SIGKILL) with connections kept to it',
    outcome: 'GET: 0 failed; POST: 502 for those sent, none twice',
    chaos: ['killed-get', 'killed-post'],
  },
  {
    number: 15,
    fault: 'stopped (SIGSTOP): accepts, never answers',
    outcome: '504 at the head timeout of those in flight, then ejected',
    chaos: ['stopped'],
  },
  {
    number: 16,
    fault: 'ten times slower',
    outcome: 'least-request gives it under a third of a fair share',
    chaos: ['slow'],
  },
  {
    number: 17,
    fault: 'answers 5xx',
    outcome: 'ejected after five in a row, back after its time, never too many; panic serves all',
    tests: [
      [
        'e2e/gateway-ejection',
        'is ejected after that many in a row while the others serve on',
        'stays when too many others are ejected already',
        'when most of them are ejected: panic',
      ],
      ['unit/health/outlier', 'eject for the base time × ejections in a row'],
    ],
  },
  {
    number: 18,
    fault: 'breaks off in a head or a body, or promises more than it sends',
    outcome: '502 or a cut that shows, never a whole answer; then ejected',
    chaos: ['reset-mid-head', 'reset-mid-body', 'length-too-long', 'length-too-short'],
  },
  {
    number: 19,
    fault: 'unreachable without an end of its connections',
    outcome: '504, or cut at the idle timeout; the connection is let go',
    chaos: ['half-open'],
    tests: [
      ['integration/flow-deadlines', 'falls silent in its answer', 'that stops reading the request is a head timeout'],
    ],
  },
  {
    number: 20,
    fault: 'begins a head and falls silent',
    outcome: '504 at the head timeout',
    tests: [['integration/flow-deadlines', 'a head that begins and goes no further is a head timeout']],
  },
  {
    number: 21,
    fault: 'garbage, endless heads, endless interim answers',
    outcome: '502, counted against it, memory bounded',
    chaos: ['garbage', 'endless-head'],
    tests: [['integration/flow-floods-upstream', 'sends interim answers without end']],
  },
  {
    number: 22,
    fault: 'refuses connections',
    outcome: 'the next instance at once; ejected until it accepts; 0 failed',
    chaos: ['refusing'],
    tests: [['e2e/gateway-ejection', 'costs no request, is ejected at once, and is back when it accepts again']],
  },
  {
    number: 23,
    fault: 'does not accept: full backlog, dropped SYN',
    outcome: 'connect timeout, then the next instance, any method',
    tests: [
      ['integration/flow-deadlines', 'a POST whose connection is not accepted in time goes to the next endpoint'],
    ],
  },
  {
    number: 37,
    fault: 'all fail: retries',
    outcome: 'within the budget of the service: a fifth of its requests and ten a second',
    tests: [
      ['integration/flow-retries', 'is repeated within the budget only'],
      ['integration/threads-counting', 'is spent exactly once over two threads'],
    ],
  },
  {
    number: 38,
    fault: 'all come back at once: connections are opened in a crowd',
    outcome:
      'at most 64 at a time per endpoint and data thread; the other requests take the first connection that is free',
    tests: [
      [
        'integration/flow-crowds',
        'a request beyond the connections that may be on their way takes one that another is done with',
        'it connects once one of them stands, in the order in which they came',
        'all that wait are refused with the first that is',
      ],
      ['integration/overload', 'a service gets no more requests at a time than it may'],
    ],
    gap: 'not in the standard engine',
  },
  {
    number: 39,
    fault: 'closes a kept connection as it is used',
    outcome: 'sent again at once where it may be repeated; no evidence',
    tests: [
      [
        'integration/flow-retries',
        'costs a GET nothing where there is no other endpoint, however often it happens',
        'a kept connection that its endpoint has closed > never makes a POST go out twice',
      ],
    ],
  },
]
