/** One suite of `index.ts` by its name: a line of JSON for each of its benchmarks. `run.ts` starts it with the flags it needs. */
import { isSuiteName, suites } from './index.ts'
import { checkMethod } from './known.ts'
import { measure } from './measure.ts'

const [name = ''] = process.argv.slice(2)
if (!isSuiteName(name)) throw new Error(`there is no suite ${JSON.stringify(name)}`)
checkMethod()
for (const benchmark of suites[name]()) {
  process.stdout.write(`${JSON.stringify({ name: benchmark.name, ...measure(benchmark) })}\n`)
}
