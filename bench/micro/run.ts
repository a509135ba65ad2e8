/**
 * Nanoseconds and allocated bytes per operation of the hot functions, in one table.
 *
 * npm run bench:micro -- [suite …]
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { table } from '../markdown-table.ts'
import { isSuiteName, suites } from './index.ts'
import { measuringFlags, type Measurement } from './measure.ts'

const script = fileURLToPath(new URL('./measure-suite.ts', import.meta.url))
const run = promisify(execFile)

const wanted = process.argv.slice(2)
const isHelp = wanted.includes('--help')
const unknown = wanted.find((name) => !isSuiteName(name))
if (isHelp) console.log(`npm run bench:micro -- [suite …]\n  all, or: ${Object.keys(suites).join(', ')}`)
else if (unknown === undefined) console.log(await measureAll(wanted.length === 0 ? Object.keys(suites) : wanted))
else {
  console.error(`bench: there is no suite ${JSON.stringify(unknown)}; there are ${Object.keys(suites).join(', ')}`)
  process.exitCode = 2
}

async function measureAll(names: readonly string[]): Promise<string> {
  const rows: string[][] = []
  for (const name of names) {
    const { stdout } = await run(process.execPath, [...measuringFlags, script, name])
    for (const line of stdout.trim().split('\n')) rows.push(rowOf(JSON.parse(line) as Measurement & { name: string }))
  }
  return table(['function', 'ns/op', 'bytes/op'], rows)
}

function rowOf({ name, nsPerOp, bytesPerOp }: Measurement & { readonly name: string }): string[] {
  return [name, nsPerOp.toFixed(1), Math.max(0, bytesPerOp).toFixed(1)]
}
