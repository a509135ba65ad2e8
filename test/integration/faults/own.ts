import type { FaultRow } from './fault-row.ts'

/** Of the gateway itself, its machine and its operator. */
export const own: readonly FaultRow[] = [
  {
    number: 25,
    fault: 'no file descriptors left',
    outcome: '503 `local-exhaustion`, no ejection, no busy loop; recovers',
    chaos: ['open-files'],
    tests: [['integration/flow-evidence', 'is our own exhaustion, such as EMFILE']],
  },
  {
    number: 28,
    fault: 'the event loop stands still, for 200 ms or longer than deadlines',
    outcome: 'deadlines stand still with it: 0 failed, 0 ejections; its delay is a metric',
    chaos: ['stalled'],
    tests: [
      ['unit/util/timer-wheel', 'takes a stall of the event loop for two ticks'],
      ['integration/health-checks-stall', 'does not blame the endpoints whose answers it missed'],
      ['unit/workers/heartbeat', 'measures how late each beat is'],
    ],
  },
  {
    number: 29,
    fault: 'the wall clock jumps an hour',
    outcome: 'only what people read shows it: 0 failed, nothing ends early or late',
    chaos: ['jumping-clock'],
    tests: [
      ['unit/control/ticket-rotation', 'does not follow the wall clock'],
      ['unit/control/control-plane-hold', 'serves on when the wall clock jumped by -3600000 ms meanwhile'],
    ],
    gap: 'OpenSSL judges dates of certificates and the age of tickets by the system’s clock',
  },
  {
    number: 30,
    fault: 'a data thread throws, stands still, runs out of memory',
    outcome: 'replaced; lost is only what it had in flight and in its accept queue',
    chaos: ['crashed-thread', 'stuck-thread'],
    tests: [['unit/workers/full-heap', 'is replaced before it dies of it, and drained']],
  },
  {
    number: 31,
    fault: 'the control plane stands still',
    outcome: 'data threads serve on with what they have; 0 failed',
    chaos: ['stalled-control'],
    gap: 'an error thrown there ends the process: by design, and for whoever restarts it',
  },
  {
    number: 32,
    fault: 'reloads under load, and a bad configuration',
    outcome: '0 failed; a bad one changes nothing and says why',
    chaos: ['reloaded'],
    tests: [['e2e/gateway-command', 'keeps its configuration when the file turns bad']],
  },
  {
    number: 33,
    fault: 'certificates change, expire, do not fit their key',
    outcome: 'new ones for new handshakes; bad ones change nothing',
    tests: [
      [
        'integration/tls-reload',
        'is in force for new handshakes',
        'that does not fit its key changes nothing',
        'an expired certificate is served, with a warning',
      ],
    ],
  },
  {
    number: 34,
    fault: 'SIGTERM; a new process takes over (SIGUSR2)',
    outcome: 'what is in flight is finished until the deadline; 0 failed when replaced',
    chaos: ['replaced'],
    tests: [
      ['e2e/gateway-command', 'drains on SIGTERM'],
      ['integration/flow-drain', 'the deadline cuts what is left, visibly', 'tunnels stay until the deadline'],
    ],
  },
  {
    number: 44,
    fault: 'the admin API is abused',
    outcome: 'limits, Host and Origin checked; the data threads do not notice: 0 failed',
    chaos: ['abused-admin'],
    tests: [
      ['unit/admin/server', 'refuses a body that is too large', 'cuts off a client that does not send its head'],
      ['unit/admin/access', 'the Host field on loopback'],
    ],
  },
  {
    number: 45,
    fault: 'odd methods, random paths, hosts and fields',
    outcome: 'no series more than before',
    chaos: ['odd-requests'],
    tests: [['e2e/gateway-metrics', 'takes no label value from a request']],
  },
  {
    number: 46,
    fault: 'nobody reads the log; the disk takes nothing',
    outcome: 'lines are dropped and counted; told once, written when it can be; 0 failed',
    chaos: ['unread-log', 'unwritable-state'],
    tests: [
      ['unit/observe/log-writer', 'drops and counts what does not fit its backlog', 'when the disk refuses'],
      ['unit/control/state-store', 'tells of a disk that takes nothing once'],
    ],
  },
  {
    number: 47,
    fault: 'it runs for a long time',
    outcome: 'memory stays flat over ten million requests (`npm run bench:growth`)',
    tests: [['conformance/balancer', 'leaves the heap flat over a million picks']],
    gap: 'a soak of hours',
  },
]
