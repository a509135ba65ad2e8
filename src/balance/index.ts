import { consistentHash } from './consistent-hash.ts'
import type { Balancer } from './contract.ts'
import { leastRequest } from './least-request.ts'
import { p2c } from './p2c.ts'
import { peakEwma } from './peak-ewma.ts'
import { random } from './random.ts'
import { roundRobin } from './round-robin.ts'

/** Every balancer by the name it has in the configuration. */
export const balancers = {
  'round-robin': roundRobin,
  'least-request': leastRequest,
  p2c,
  'peak-ewma': peakEwma,
  random,
  'consistent-hash': consistentHash,
} as const satisfies Record<string, Balancer>
