import { balancers } from '../../src/balance/index.ts'
import { seededRandom } from '../../src/util/random.ts'
import { makeEndpoints } from '../../test/support/endpoints.ts'
import type { Suite } from './benchmark.ts'

const input = { tried: null }
const weightings = { equal: () => 1, weighted: (index: number) => 1 + (index % 7) }

export const pick: Suite = () =>
  Object.entries(balancers).flatMap(([name, balancer]) =>
    [1, 3, 10, 100, 1000].flatMap((size) =>
      Object.entries(weightings).map(([weighting, weightOf]) => {
        const endpoints = makeEndpoints(Array.from({ length: size }, (_, index) => weightOf(index)))
        const picker = balancer.build(endpoints, { random: seededRandom(1) }, null)
        return {
          name: `pick: ${name}, ${size} ${weighting}`,
          run(operations: number) {
            let slots = 0
            for (let i = 0; i < operations; i++) slots += picker.pick(input)?.slot ?? 0
            return slots
          },
        }
      }),
    ),
  )
