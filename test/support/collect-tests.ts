import { createVitest } from 'vitest/node'

// Prints, as JSON, the tests of the given files: what is declared when they are loaded. None of them is run.
const vitest = await createVitest('test', { watch: false, globalSetup: [], reporters: [], isolate: false })
const { testModules, unhandledErrors } = await vitest.collect(process.argv.slice(2), { staticParse: false })
if (unhandledErrors.length > 0) throw unhandledErrors[0]
const tests: Record<string, { title: string; isRun: boolean }[]> = {}
for (const { relativeModuleId, children } of testModules) {
  tests[relativeModuleId] = [...children.allTests()].map(({ fullName, options }) => ({
    title: fullName,
    isRun: options.mode === 'run',
  }))
}
await vitest.close()
process.stdout.write(JSON.stringify(tests))
