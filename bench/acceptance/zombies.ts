import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '../../src/client.ts'
import { startJoiningService } from '../../test/support/joining-service.ts'
import { Traffic } from '../../test/support/traffic.ts'
import { table } from '../markdown-table.ts'
import { consulToJoin, etcdToJoin, type JoinedRegistry, type Word } from './joined-registry.ts'
import { closeAll, startGateway } from './stage.ts'

/**
 * What an instance leaves behind that is killed by `kill -9`, with the default TTL of 15 s: how long its entry says that it is well, how long it is there,
 * and how many GETs fail meanwhile, through the gateway and by the client. Takes two minutes: Consul removes a dead entry after one.
 *
 * node bench/acceptance/zombies.ts
 */
const service = 'user-service'
const lookEveryMs = 100
const giveUpMs = 180_000

interface Outcome {
  readonly seconds: Readonly<Partial<Record<Word, number>>>
  readonly through: { readonly gateway: string; readonly client: string }
  readonly failed: number
}

async function kill(registry: JoinedRegistry, closers: (() => Promise<void> | void)[]): Promise<Outcome> {
  closers.push(() => registry.end())
  const [victim, other] = await Promise.all([1, 2].map(() => startJoiningService(service, registry.url)))
  if (victim === undefined || other === undefined) throw new Error('they did not start')
  closers.push(async () => {
    other.signal('SIGTERM')
    await other.ended()
  })
  const { edgePort } = await startGateway(
    { discovery: { registry: registry.source }, routes: [{ path: '/', service }] },
    closers,
  )
  const client = connect(service, { registry: registry.url })
  closers.push(() => client.close())
  await client.ready
  const traffic = new Traffic(edgePort, '/', 2)
  const calls = { count: 0, failed: 0, isOver: false }
  const calling = (async () => {
    while (!calls.isOver) {
      calls.count++
      try {
        const response = await client.fetch('/')
        await response.text()
        if (response.status !== 200) calls.failed++
      } catch {
        calls.failed++
      }
    }
  })()
  await traffic.more(500)

  victim.signal('SIGKILL')
  const sinceMs = performance.now()
  const seconds: Partial<Record<Word, number>> = {}
  for (let word: Word = 'passing'; word !== 'gone' && performance.now() - sinceMs < giveUpMs;) {
    await delay(lookEveryMs)
    word = await registry.wordOf(service, victim.id)
    seconds[word] ??= (performance.now() - sinceMs) / 1000
  }
  calls.isOver = true
  await calling
  const { requests, failed } = await traffic.stop()
  return {
    seconds,
    through: { gateway: `${failed.length} of ${requests}`, client: `${calls.failed} of ${calls.count}` },
    failed: failed.length + calls.failed,
  }
}

const shown = (seconds: number | undefined): string => seconds?.toFixed(1) ?? '–'

const rows: string[][] = []
let isMissed = false
for (const start of [consulToJoin, etcdToJoin]) {
  const closers: (() => Promise<void> | void)[] = []
  try {
    const registry = await start()
    const { seconds, through, failed } = await kill(registry, closers)
    const { critical, gone } = seconds
    rows.push([registry.name, shown(critical ?? gone), shown(gone), through.gateway, through.client])
    isMissed ||= failed > 0 || gone === undefined
  } finally {
    await closeAll(closers)
  }
}
console.log('seconds after kill -9, TTL 15 s; GETs that failed meanwhile')
console.log(table(['registry', 'no longer well', 'gone', 'gateway', 'client'], rows))
process.exitCode = isMissed ? 1 : 0
