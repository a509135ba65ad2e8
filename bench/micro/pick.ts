import { balancers } from '../../src/balance/index.ts'
import { monotonicMs } from '../../src/util/clock.ts'
import { seededRandom } from '../../src/util/random.ts'
import { makeEndpoints } from '../../test/support/endpoints.ts'
import { pickInput } from '../../test/support/picking.ts'
import type { Suite } from './benchmark.ts'

const weightings = { equal: () => 1, weighted: (index: number) => 1 + (index % 7) }
/** Clients with some in flight and a latency each, so that no balancer is spared what it does with them. */
const inputs = Array.from({ length: 1024 }, (_, i) => pickInput({ clientAddress: `198.51.${i >> 8}.${i & 255}` }))
const options = { random: seededRandom(1), clock: { now: monotonicMs }, hash: { on: 'client' } } as const

/** That many endpoints, each with what a balancer may look at. */
function busyEndpoints(size: number, weightOf: (index: number) => number) {
  const endpoints = makeEndpoints(Array.from({ length: size }, (_, index) => weightOf(index)))
  for (const [index, { cell }] of endpoints.entries()) {
    for (let i = 0; i < 1 + (index % 3); i++) cell.acquire()
    cell.setPeak(5000 + (index % 11) * 100, monotonicMs() | 0)
  }
  return endpoints
}

export const pick: Suite = () =>
  Object.entries(balancers).flatMap(([name, balancer]) =>
    [1, 3, 10, 100, 1000].flatMap((size) =>
      Object.entries(weightings).map(([weighting, weightOf]) => {
        const picker = balancer.build(busyEndpoints(size, weightOf), options, null)
        return {
          name: `pick: ${name}, ${size} ${weighting}`,
          run(operations: number) {
            let slots = 0
            for (let i = 0; i < operations; i++) slots += picker.pick(inputs[i & 1023]!)?.slot ?? 0
            return slots
          },
        }
      }),
    ),
  )

/** What an ejection, a restore, or a step of a slow start costs each data thread. */
export const rebuild: Suite = () =>
  Object.entries(balancers).flatMap(([name, balancer]) =>
    [100, 1000].map((size) => {
      const endpoints = busyEndpoints(size, weightings.weighted)
      let picker = balancer.build(endpoints, options, null)
      return {
        name: `rebuild: ${name}, ${size}`,
        run(operations: number) {
          let slots = 0
          for (let i = 0; i < operations; i++) {
            picker = balancer.build(endpoints, options, picker)
            slots += picker.pick(inputs[i & 1023]!)?.slot ?? 0
          }
          return slots
        },
      }
    }),
  )
