import { balancers } from '../../src/balance/index.ts'
import { seededRandom } from '../../src/util/random.ts'
import { makeEndpoints } from '../../test/support/endpoints.ts'
import { measure, report } from './harness.ts'

const input = { tried: null }
const weightings = { equal: () => 1, weighted: (index: number) => 1 + (index % 7) }

for (const [name, balancer] of Object.entries(balancers)) {
  for (const size of [1, 3, 10, 100, 1000]) {
    for (const [weighting, weightOf] of Object.entries(weightings)) {
      const endpoints = makeEndpoints(Array.from({ length: size }, (_, index) => weightOf(index)))
      const picker = balancer.build(endpoints, { random: seededRandom(1) }, null)
      const measured = measure((operations) => {
        let slots = 0
        for (let i = 0; i < operations; i++) slots += picker.pick(input)?.slot ?? 0
        return slots
      })
      report(`${name}, ${size} ${weighting}`, measured)
    }
  }
}
