import type { FaultRow } from './fault-row.ts'

/** Of clients. */
export const clients: readonly FaultRow[] = [
  {
    number: 26,
    fault: 'read large answers slowly, or send to an endpoint that does not read',
    outcome: 'held back on both sides, memory flat',
    tests: [
      [
        'integration/flow-backpressure',
        'an endpoint is held back while the client does not read, and memory stays flat',
        'a client is held back while the endpoint does not read, and memory stays flat',
      ],
    ],
  },
  {
    number: 27,
    fault: 'slow heads, slow bodies, nothing at all, by the hundred',
    outcome: '408 or closed in time; the others are served',
    tests: [
      ['integration/flow-floods', '200 clients send a head that never ends', '30 clients do not take their answers'],
      ['integration/flow-slow-clients', 'a head’s time does not start anew with every byte'],
    ],
  },
  {
    number: 40,
    fault: 'leave in the middle of their request, 1,000 a second',
    outcome: 'their attempts end; gauges, sockets and files as before; no evidence',
    chaos: ['leaving-clients'],
    tests: [['integration/flow-evidence', 'is a client that leaves']],
  },
  {
    number: 43,
    fault: 'tunnels: one side dies or ends its direction',
    outcome: 'the other one is told',
    tests: [
      [
        'integration/flow-upgrade',
        'the client is told when the endpoint dies',
        'the endpoint is told when the client dies',
        'the client may end its direction and go on receiving',
      ],
    ],
  },
]
