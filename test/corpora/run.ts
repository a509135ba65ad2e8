import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineName } from '../../src/core/snapshot.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { RawClient } from '../support/raw-client.ts'
import { answer, RecordingOrigin } from '../support/recording-origin.ts'
import { awsCases } from './aws.ts'
import type { CorpusCase } from './corpus.ts'
import { llhttpCases } from './llhttp.ts'

/**
 * `npm run corpora -- DIRECTORY [--all]`: cases of other projects through both engines, with real sockets. The directory has
 * `aws` (test cases of aws/http-desync-guardian) and `llhttp` (fixtures of nodejs/llhttp); neither is part of this repository.
 * Prints a table, and each case that passed though it should not have. `--all` prints those that were refused though they are
 * well-formed as well. Exits with 1 when there is one of the first kind.
 */
const [directory = '', flag] = process.argv.slice(2)
const corpora: Readonly<Record<string, (at: string) => CorpusCase[]>> = { aws: awsCases, llhttp: llhttpCases }
const hangMs = 3000

/** Cases that pass though their corpus says otherwise, and why. */
const onPurpose: Readonly<Record<string, string>> = {
  'request-invalid.md: HTTP protocol and ANNOUNCE method': 'any token is a method (RFC 9110 section 9.1)',
  'request-invalid.md: Invalid method': 'any token is a method (RFC 9110 section 9.1)',
}

type Verdict = 'as wanted' | 'refused' | 'on purpose' | 'PASSED'

let reply: string | null = null
const origin = await RecordingOrigin.start(({ connection, target }) => {
  if (reply === null) return answer(target)
  connection.socket.write(reply, 'latin1')
  connection.socket.end()
  return undefined
})

async function ending(client: RawClient): Promise<void> {
  const guard = new AbortController()
  await Promise.race([client.rest(), sleep(hangMs, undefined, { signal: guard.signal }).catch(() => {})])
  guard.abort()
  client.destroy()
}

async function fromClient(engine: Engine, { bytes, wanted, messages }: CorpusCase): Promise<Verdict> {
  reply = null
  const before = { requests: origin.requests.length, violations: origin.violations.length }
  const client = await RawClient.connect(engine.port)
  client.send(bytes).end()
  await ending(client)
  const passed = origin.requests.length - before.requests
  if (origin.violations.length > before.violations || passed > messages) return 'PASSED'
  if (wanted !== 'forward') return 'as wanted'
  return passed === messages ? 'as wanted' : 'refused'
}

async function fromEndpoint(engine: Engine, { bytes, wanted, messages }: CorpusCase): Promise<Verdict> {
  reply = bytes
  const settled = engine.settled.length
  const client = await RawClient.connect(engine.port)
  client.send('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  await ending(client)
  const { failure } = await engine.settledAt(settled + 1)
  if (wanted === 'refuse') return failure === null && messages === 0 ? 'PASSED' : 'as wanted'
  // Many a fixture ends in the middle of a body: then the client sees the cut.
  return failure === 'bad-response' ? 'refused' : 'as wanted'
}

async function run(engineName: EngineName, cases: readonly CorpusCase[]): Promise<Record<Verdict, string[]>> {
  const outlier = {
    consecutiveFailures: 1e9,
    baseEjectionMs: 1,
    maxEjectionMs: 1,
    maxEjectedPercent: 0,
    successRate: null,
  }
  const engine = await startEngine({ origins: [origin], listener: { engine: engineName }, service: { outlier } })
  const verdicts: Record<Verdict, string[]> = { 'as wanted': [], refused: [], 'on purpose': [], PASSED: [] }
  for (const one of cases) {
    const verdict = await (one.from === 'client' ? fromClient(engine, one) : fromEndpoint(engine, one))
    verdicts[verdict === 'PASSED' && one.name in onPurpose ? 'on purpose' : verdict].push(one.name)
  }
  await engine.close()
  return verdicts
}

console.log(
  '| corpus | engine | cases | as wanted | refused, though well-formed | passed on purpose | passed |\n|---|---|---|---|---|---|---|',
)
const notes: string[] = []
for (const [name, read] of Object.entries(corpora)) {
  const at = join(directory, name)
  if (!existsSync(at)) throw new Error(`there is no ${at}`)
  const cases = read(at)
  for (const engine of ['fast', 'standard'] as const) {
    const { 'as wanted': good, refused, 'on purpose': meant, PASSED } = await run(engine, cases)
    console.log(
      `| ${name} | ${engine} | ${cases.length} | ${good.length} | ${refused.length} | ${meant.length} | ${PASSED.length} |`,
    )
    for (const title of PASSED) notes.push(`${engine} passed ${title}`)
    if (PASSED.length > 0) process.exitCode = 1
    if (flag === '--all') for (const title of refused) notes.push(`${engine} refused ${title}`)
  }
}
if (notes.length > 0) console.log(`\n${notes.join('\n')}`)
await origin.close()
