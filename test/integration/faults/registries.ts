import type { FaultRow } from './fault-row.ts'

/** Around the registry. */
export const registries: readonly FaultRow[] = [
  {
    number: 1,
    fault: 'Consul is gone for minutes',
    outcome: 'the last list serves, marked stale; asked again with growing pauses; 0 failed',
    chaos: ['consul-killed'],
    tests: [
      ['e2e/gateway-outage', 'costs no request, while it is gone'],
      ['unit/control/watch', 'backs off exponentially with full jitter up to 10 s'],
    ],
  },
  {
    number: 2,
    fault: 'Consul is down at the start',
    outcome: 'serves what `stateDir` remembers; else 503, not ready, until Consul is there',
    tests: [['e2e/gateway-outage', 'serves what it knew last', 'answers 503 when it knows nothing']],
  },
  {
    number: 3,
    fault: 'Consul restarts, its index goes backwards',
    outcome: 'the next query does not wait on the old index; what is missing is held; 0 failed',
    tests: [
      ['conformance/discovery-registry-faults', 'when the index is reset'],
      ['unit/discovery/consul/query-index', 'does not wait on an index that went backwards'],
      ['e2e/gateway-outage', 'costs no request, though its checks begin anew'],
    ],
  },
  {
    number: 4,
    fault: 'Consul has no leader, refuses with 429, answers cut JSON',
    outcome: 'an outage: nothing removed, one alarm, followed again without a restart; 0 failed',
    chaos: ['consul-leaderless', 'consul-too-many', 'consul-truncated'],
    tests: [
      [
        'conformance/discovery-faults',
        'takes a missing leader for an error',
        'takes a refusal for too many requests for an error',
        'takes JSON that stops short for an error',
      ],
    ],
  },
  {
    number: 5,
    fault: 'an empty list for a service that had instances',
    outcome: 'counts at once; after an outage or a lost index each is held while it accepts connections',
    tests: [
      ['unit/control/hold-rule', 'lets an answer in no doubt remove anything, down to none', 'one by one'],
      ['e2e/gateway-follow', 'is gone when it is deregistered, down to the last'],
    ],
  },
  {
    number: 6,
    fault: 'a list that lacks half of the instances',
    outcome: 'as an empty one, instance by instance',
    tests: [
      ['unit/control/hold-rule', 'holds what the first answer after an outage no longer lists, one by one'],
      ['e2e/gateway-outage', 'keeps nothing that died meanwhile'],
    ],
  },
  {
    number: 7,
    fault: 'one instance flaps, ten changes a second',
    outcome:
      '0 failed, connections to the others kept, ten rebuilds a second at most, the first change followed at once',
    chaos: ['flapping'],
    tests: [
      ['unit/discovery/churn-limit', 'lets two queries through at once, then one per interval'],
      ['unit/control/control-plane-flapping', 'has ten lists a second built, however often it does'],
      [
        'unit/control/control-plane-flapping',
        'is followed at once after a quiet time, then once in 100 ms, to where it stands by then',
      ],
    ],
  },
  {
    number: 8,
    fault: 'Consul answers byte by byte, not at all, or its connections are dead',
    outcome: 'noticed by the deadline of the query, 69 s; 0 failed',
    chaos: ['consul-trickling', 'consul-half-open', 'consul-partitioned'],
    tests: [['conformance/discovery-faults', 'takes silence for an error']],
  },
  {
    number: 9,
    fault: 'a list with ports out of range, CRLF, doubles, rows that are none; 10,000 instances more',
    outcome: 'each left out and reported once, its neighbours used; taken in: 0 failed',
    chaos: ['consul-crowded'],
    tests: [
      ['conformance/discovery-faults', 'leaves out and reports what can not be an instance'],
      ['unit/control/membership', 'listed twice counts once'],
    ],
  },
  {
    number: 10,
    fault: 'two registries that disagree',
    outcome: 'one endpoint per address, by the word of the first that does not say critical; no double weight',
    tests: [
      ['unit/control/merge', 'weighs what its source weighs, and no instance twice'],
      ['e2e/gateway-sources', 'loses no request, whatever step it takes, and keeps the endpoints that both list'],
      ['e2e/gateway-follow', 'routes each service to the instances of its own source'],
    ],
  },
  {
    number: 11,
    fault: 'mDNS: a goodbye, a host that vanishes, strangers, an interface that goes down',
    outcome:
      'gone within a second, at the end of its records, never with the forged; bounded; an outage, nothing removed',
    tests: [
      [
        'unit/discovery/mdns/service-browser',
        'loses it within a second of its goodbye',
        'remembers no more instances than it may',
      ],
      ['integration/mdns', 'host has vanished', 'is not led by garbage', 'an interface that is gone'],
    ],
  },
  {
    number: 12,
    fault: 'an instance is taken out under load',
    outcome: 'no new requests; what it has is finished; 0 failed',
    chaos: ['rolling-restart'],
    tests: [['e2e/gateway-follow', 'gets no new requests in maintenance, while those it has are answered']],
  },
  {
    number: 13,
    fault: 'an instance is new',
    outcome: 'gets requests as soon as the registry says passing; slowly at first where asked',
    tests: [
      ['e2e/gateway-follow', 'gets requests when its check turns passing'],
      ['unit/control/control-plane-slow-start', 'begins for an endpoint that is added, and ends'],
    ],
  },
  {
    number: 24,
    fault: 'instances by name or from DNS records: unknown, slow, failing, forged, cut, or other addresses',
    outcome:
      'held for their TTL, the last good kept; never looked up for a request; a name that is gone is doubted; 0 failed',
    tests: [
      ['unit/discovery/names/look-up', 'holds them for the shortest TTL'],
      ['unit/discovery/resolve', 'keeps the addresses it has while a name can not be looked up', 'slow names'],
      ['unit/discovery/dns/client', 'one that says SERVFAIL is told as that', 'takes the answer that fits'],
      ['conformance/discovery-dns', 'has all of 150 instances, which Consul silently cuts down'],
      ['e2e/gateway-dns', 'loses no request while Consul is gone', 'keeps whoever accepts connections'],
    ],
  },
]
