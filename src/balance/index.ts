import type { Balancer } from './contract.ts'
import { leastRequest } from './least-request.ts'
import { p2c } from './p2c.ts'
import { random } from './random.ts'
import { roundRobin } from './round-robin.ts'

/** Every balancer by the name it has in the configuration. */
export const balancers = {
  'round-robin': roundRobin,
  'least-request': leastRequest,
  p2c,
  random,
} as const satisfies Record<string, Balancer>
