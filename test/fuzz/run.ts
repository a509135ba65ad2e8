import { parseArgs } from 'node:util'
import * as fc from 'fast-check'
import { dnsListings, dnsMessages } from './dns.ts'
import { gatewayProperty } from './gateway.ts'
import { keptProperty } from './kept.ts'
import { chunkedBodies, requestHeads, responseHeads } from './parsers.ts'
import { engineProperties } from './properties.ts'

/**
 * A long run: `npm run fuzz -- SECONDS [--seed N] [--only NAME] [--path PATH]`. The properties take turns, each on engines
 * of its own with a seed of its own. A finding is printed with the shortest bytes that show it and the line that leads back to
 * it; its property is not asked again. Exits with 1 when there is one.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    only: { type: 'string', default: '' },
    path: { type: 'string', default: '' },
  },
})
const seconds = Number(positionals[0] ?? 60)
const turnSeconds = 20
const shrinkSeconds = 120

interface Turn {
  readonly property: unknown
  close(): Promise<void>
}

const alone = async (property: unknown): Promise<Turn> => ({ property, close: async () => {} })

async function ofEngine(engine: 'fast' | 'standard', name: 'requests' | 'responses'): Promise<Turn> {
  const properties = await engineProperties(engine)
  return { property: properties[name], close: async () => properties.close() }
}

const turns: Record<string, () => Promise<Turn>> = {
  'request-heads': async () => alone(requestHeads),
  'response-heads': async () => alone(responseHeads),
  'chunked-bodies': async () => alone(chunkedBodies),
  'dns-messages': async () => alone(dnsMessages),
  'dns-listings': dnsListings,
  'fast-requests': async () => ofEngine('fast', 'requests'),
  'fast-responses': async () => ofEngine('fast', 'responses'),
  'standard-requests': async () => ofEngine('standard', 'requests'),
  'standard-responses': async () => ofEngine('standard', 'responses'),
  'fast-kept': async () => keptProperty('fast'),
  'standard-kept': async () => keptProperty('standard'),
  gateway: async () => gatewayProperty(),
}

const names = Object.keys(turns).filter((name) => values.only === '' || name === values.only)
if (names.length === 0 || !(seconds > 0)) {
  console.error(`usage: npm run fuzz -- SECONDS [--seed N] [--only ${Object.keys(turns).join('|')}] [--path PATH]`)
  process.exit(2)
}

const until = performance.now() + seconds * 1000
const counts = new Map<string, number>()
const found = new Set<string>()
const rounds = values.path === '' ? Number.MAX_SAFE_INTEGER : 1
for (let round = 0; round < rounds && performance.now() < until && found.size < names.length; round++) {
  for (const [i, name] of names.entries()) {
    const left = (until - performance.now()) / 1000 / (names.length - i)
    if (!found.has(name) && left > 0) await take(name, Number(values.seed) + round, Math.min(turnSeconds, left))
  }
}
for (const [name, count] of counts) console.log(`${name}: ${count} cases${found.has(name) ? ', FOUND' : ''}`)
process.exitCode = found.size === 0 ? 0 : 1

async function take(name: string, seed: number, forSeconds: number): Promise<void> {
  const turn = await (turns[name] as () => Promise<Turn>)()
  const property = turn.property as fc.IAsyncProperty<unknown>
  const run = async (more: fc.Parameters<unknown>) =>
    fc.check(property, { seed, markInterruptAsFailure: false, ...more })
  const start = values.path === '' ? { numRuns: Number.MAX_SAFE_INTEGER } : { path: values.path, numRuns: 1 }
  const interruptAfterTimeLimit = forSeconds * 1000
  let details = await run({ ...start, interruptAfterTimeLimit })
  counts.set(name, (counts.get(name) ?? 0) + details.numRuns)
  // A run that had no time for a single case counts as failed too.
  if (details.failed && details.counterexample !== null) {
    // The time was up while it was made shorter, perhaps.
    const path = details.counterexamplePath ?? ''
    const shorter = await run({ path, interruptAfterTimeLimit: shrinkSeconds * 1000 })
    if (shorter.failed) details = shorter
    found.add(name)
    console.log(`FOUND by ${name}: ${JSON.stringify(details.counterexample)}`)
    // Not the way to the shortest: fast-check can't follow it once the finding is mended.
    console.log(`again: npm run fuzz -- 60 --only ${name} --seed ${seed} --path ${parseInt(path, 10)}`)
    console.log(details.errorInstance)
  }
  await turn.close()
}
