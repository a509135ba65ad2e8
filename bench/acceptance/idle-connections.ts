import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Case, cases, oneRoute } from '../macro/cases.ts'
import type { KeyType } from '../macro/certificates.ts'
import type { Competitor } from '../macro/competitor.ts'
import { nginx } from '../macro/competitors/nginx.ts'
import { checkoutOf, tidegate } from '../macro/competitors/tidegate.ts'
import { planCpus, readAllowedCpus } from '../macro/cpus.ts'
import { Processes } from '../macro/processes.ts'
import { Stage } from '../macro/stage.ts'
import { subjectDirectory } from '../macro/subject.ts'
import { table } from '../markdown-table.ts'
import { IdleClients } from './idle-clients.ts'
import { collectedMemory, type Memory, observedFlags, residentMemory } from './observed-memory.ts'
import { allowConnections } from './open-files.ts'

/**
 * What clients' idle connections cost in memory, each of which has asked once: with and without TLS, nginx beside it. Afterwards every
 * connection asks again.
 *
 * node bench/acceptance/idle-connections.ts [--connections 10000] [--checkout DIR, default this one]
 */
const boundBytes = 12 * 1024
/** Connections before, which leave what every first use leaves. */
const warmUpCount = 500
/** Nobody is to be closed while the others are still connecting. */
const idleSeconds = 600

const { values } = parseArgs({
  options: { connections: { type: 'string', default: '10000' }, checkout: { type: 'string' } },
})
const count = Number(values.connections)

allowConnections(count)
const ours = tidegate({ nodeFlags: observedFlags, ...checkoutOf(values.checkout) })
const rows = [
  await measure(ours, null),
  await measure(nginx, null),
  await measure(ours, 'ecdsa'),
  await measure(nginx, 'ecdsa'),
]
console.log(`${count} idle connections; KiB of memory each`)
console.log(table(['proxy', 'resident', 'heap', 'external', 'resident before, MiB'], rows.map(cellsOf)))
for (const { problem } of rows) if (problem !== null) console.log(problem)
const [plain] = rows
const holds = plain?.bytes != null && plain.bytes.resident <= boundBytes
if (!holds) console.log(`missed: at most ${boundBytes / 1024} KiB of resident memory for a plain connection`)
process.exitCode = holds ? 0 : 1

interface Row {
  readonly name: string
  /** Per connection; null where there is a problem. */
  readonly bytes: Memory | null
  readonly before: Memory | null
  readonly problem: string | null
}

async function measure(competitor: Competitor, tls: KeyType | null): Promise<Row> {
  const name = `${competitor.name}${tls === null ? '' : ', TLS'}`
  const measured: Case = { ...cases.json, tls, load: { ...cases.json.load, connections: count } }
  const root = mkdtempSync(join(tmpdir(), 'tidegate-idle-'))
  const processes = new Processes()
  try {
    const stage = new Stage(measured, processes, root, { idleSeconds })
    const { running, url, certificate } = await stage.start(competitor, oneRoute, planCpus(readAllowedCpus()))
    const directory = subjectDirectory(root, competitor, oneRoute)
    const memory = async () =>
      competitor === ours ? collectedMemory(running.pid, directory) : residentMemory(running.pid)
    const first = new IdleClients(url, certificate)
    await first.open(Math.min(warmUpCount, count))
    first.close()
    const before = await memory()
    const clients = new IdleClients(url, certificate)
    await clients.open(count)
    const after = await memory()
    await clients.askAll()
    clients.close()
    return { name, before, bytes: perConnection(before, after), problem: null }
  } catch (error) {
    return {
      name,
      before: null,
      bytes: null,
      problem: `${name}: ${error instanceof Error ? error.message : String(error)}`,
    }
  } finally {
    await processes.stopAll()
    rmSync(root, { recursive: true, force: true })
  }
}

function perConnection(before: Memory, after: Memory): Memory {
  return {
    resident: (after.resident - before.resident) / count,
    heap: (after.heap - before.heap) / count,
    external: (after.external - before.external) / count,
  }
}

function cellsOf({ name, bytes, before }: Row): string[] {
  if (bytes === null || before === null) return [name, 'out']
  const each = [bytes.resident, bytes.heap, bytes.external].map((size) =>
    Number.isNaN(size) ? '' : (size / 1024).toFixed(1),
  )
  return [name, ...each, (before.resident / 1024 ** 2).toFixed(0)]
}
