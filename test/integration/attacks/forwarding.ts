import type { Attack } from './attack.ts'

/** From clients: what is said to us, not to the endpoint, and who says it. */
export const forwarding: readonly Attack[] = [
  {
    input: 'fields that Connection names; Host, framing, credentials, our own among them',
    outcome: 'removed; those never',
    shownBy: [
      ['strictness-forwarding', 'fields that Connection names', 'neither framing nor identity nor credentials'],
    ],
  },
  {
    input: 'hop-by-hop fields, either way',
    outcome: 'end here',
    shownBy: [
      ['strictness-forwarding', 'Proxy-Authorization', 'TE that Connection', 'hop-by-hop fields of a response'],
    ],
  },
  {
    input: 'an upgrade to h2c',
    outcome: 'never reaches an upstream',
    shownBy: [
      [
        'strictness-forwarding',
        'an upgrade to h2c among others',
        'an upgrade to h2c whose settings Connection does not name',
      ],
    ],
  },
  {
    input: 'X-Forwarded-*, Forwarded, X-Real-IP and their `_` twins, from a client that is not trusted',
    outcome: 'replaced or dropped',
    shownBy: [
      ['strictness-forwarding', 'X-Forwarded-For', 'X-Real-IP', 'underscore twins', 'a trusted proxy in front'],
      ['../regressions/forwarded-pairs-in-host', 'adds no pair to Forwarded'],
    ],
  },
  { input: '`Proxy`', outcome: 'dropped', shownBy: [['strictness-forwarding', 'Proxy (httpoxy)']] },
  {
    input: 'Expect: 100-continue; anything else',
    outcome: 'the endpoint answers it; 417',
    shownBy: [
      ['flow-interim', 'is the endpoint’s to grant'],
      ['strictness-forwarding', 'refuses the expectation'],
    ],
  },
  {
    input: 'Max-Forwards with OPTIONS',
    outcome: 'one less goes on; at 0 the answer is ours',
    shownBy: [['strictness-forwarding', 'OPTIONS with Max-Forwards: 5 goes on with 4', 'may be forwarded no further']],
  },
  {
    input: 'an upgrade that the endpoint does not take; a 101 that nobody asked for',
    outcome: 'HTTP goes on; 502',
    shownBy: [
      ['strictness-forwarding', 'reads on as HTTP after an upgrade', 'a switch to a protocol that was not asked for'],
      ['strictness-response', 'an unsolicited 101'],
    ],
  },
]
