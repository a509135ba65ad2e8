import type { BalancerOptions } from '../../src/balance/contract.ts'
import type { PickInput } from '../../src/core/picker.ts'
import { seededRandom } from '../../src/util/random.ts'

/** A pick of a client's first attempt; `fields` are the request's, by lower-case name. */
export function pickInput(parts: Partial<PickInput> = {}, fields: Readonly<Record<string, string>> = {}): PickInput {
  return { tried: null, clientAddress: '203.0.113.7', path: '/', header: (name) => fields[name] ?? null, ...parts }
}

/** Seeded, with a clock that stands still, and clients for keys. */
export function balancing(parts: Partial<BalancerOptions> = {}): BalancerOptions {
  return { random: seededRandom(1), clock: { now: () => 1_000_000 }, hash: { on: 'client' }, ...parts }
}
