import { parseArgs } from 'node:util'
import * as fc from 'fast-check'
import { engineProperties } from './properties.ts'

/**
 * A long run: `node test/fuzz/run.ts --seconds 600 --seed 1`. Prints what it tried and what it found; a finding is printed
 * with the shortest bytes that show it and the seed that leads back to it. Exits with 1 when there is one.
 */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: String(Date.now() | 0) } },
})
const seconds = Number(values.seconds)
const seed = Number(values.seed)

const properties = await engineProperties()
const each = { requests: properties.requests, responses: properties.responses }
let findings = 0
for (const [name, property] of Object.entries(each)) {
  const details = await fc.check(property as fc.IAsyncProperty<unknown>, {
    seed,
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: (seconds * 1000) / Object.keys(each).length,
    markInterruptAsFailure: false,
  })
  console.log(`${name}: ${details.numRuns} cases, seed ${details.seed}`)
  if (!details.failed) continue
  findings++
  console.log(`FOUND ${JSON.stringify(details.counterexample)} (path ${details.counterexamplePath})`)
  console.log(details.errorInstance)
}
await properties.close()
process.exitCode = findings === 0 ? 0 : 1
