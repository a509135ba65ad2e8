import { parentPort, workerData } from 'node:worker_threads'
import { Ledger, type LedgerShape } from '../../src/core/ledger.ts'

/** Row 0 of a Ledger: its service, its listener, and that listener's clients where it has a table of them. */
export interface CountingParameters {
  readonly ledger: LedgerShape
  readonly column: number
}

export interface Step {
  readonly client: string
  readonly act: 'take' | 'give back'
}

export type CountingTask =
  /** Takes and gives back connections as the steps say, again and again, up to `limit` per client and `total` in all. */
  | {
      readonly type: 'steps'
      readonly steps: readonly Step[]
      readonly rounds: number
      readonly limit: number
      readonly total: number
      readonly shared: Shared
    }
  /** Takes and gives back without end. */
  | { readonly type: 'forever'; readonly clients: readonly string[]; readonly limit: number; readonly shared: Shared }
  /** Takes retries until there are none. */
  | { readonly type: 'retries'; readonly shared: Shared }

/** Seen by all threads of one test. */
export interface Shared {
  /** Threads that are ready; each begins when it is `threads`. */
  readonly gate: Int32Array
  readonly threads: number
  /**
   * What is held of each client, and behind them of all: counted up after a take, down before it is given back, so that it is
   * never above what the limits allow.
   */
  readonly witness: Int32Array
}

export interface CountingReport {
  /** What this thread holds, by client; or how many retries it got, under `retries`. */
  readonly held: Readonly<Record<string, number>>
  /** The highest that the witness showed of one client, and of all together. */
  readonly highest: number
  readonly highestTotal: number
}

const { ledger: shape, column } = workerData as CountingParameters
const ledger = new Ledger(shape)
const port = parentPort
if (port === null) throw new Error('counting-thread.ts runs in a worker thread only')
port.on('message', (task: CountingTask) => {
  const { gate, threads } = task.shared
  Atomics.add(gate, 0, 1)
  Atomics.notify(gate, 0)
  for (let ready = Atomics.load(gate, 0); ready < threads; ready = Atomics.load(gate, 0)) Atomics.wait(gate, 0, ready)
  if (task.type === 'forever') forever(task)
  port.postMessage(task.type === 'steps' ? follow(task) : takeRetries())
})
port.postMessage('up')

function follow({ steps, rounds, limit, total, shared }: Extract<CountingTask, { type: 'steps' }>): CountingReport {
  const clients = ledger.clients(0, column)
  const all = ledger.listener(0, column)
  const rows = new Map<string, number[]>()
  const names = [...new Set(steps.map(({ client }) => client))].toSorted()
  const totalAt = shared.witness.length - 1
  let [highest, highestTotal] = [0, 0]
  for (let turn = 0; turn < rounds * steps.length; turn++) {
    const { client, act } = steps[turn % steps.length] as Step
    const held = rows.get(client) ?? []
    rows.set(client, held)
    const witness = Number(client.split('-')[1])
    if (act === 'take') {
      const row = clients === null ? 0 : clients.acquire(client, limit)
      if (row < 0) continue
      if (all.acquire(total)) {
        held.push(row)
        highest = Math.max(highest, Atomics.add(shared.witness, witness, 1) + 1)
        highestTotal = Math.max(highestTotal, Atomics.add(shared.witness, totalAt, 1) + 1)
      } else clients?.release(row)
    } else {
      const row = held.pop()
      if (row === undefined) continue
      Atomics.sub(shared.witness, witness, 1)
      Atomics.sub(shared.witness, totalAt, 1)
      clients?.release(row)
      all.release()
    }
  }
  return { held: Object.fromEntries(names.map((name) => [name, rows.get(name)?.length ?? 0])), highest, highestTotal }
}

function forever({ clients: names, limit }: Extract<CountingTask, { type: 'forever' }>): never {
  const clients = ledger.clients(0, column)
  const all = ledger.listener(0, column)
  for (let turn = 0; ; turn++) {
    const row = clients?.acquire(names[turn % names.length] as string, limit) ?? -1
    if (row < 0) continue
    if (all.acquire(limit)) all.release()
    clients?.release(row)
  }
}

function takeRetries(): CountingReport {
  const cell = ledger.service(0)
  let retries = 0
  while (cell.withdrawRetry()) retries++
  return { held: { retries }, highest: 0, highestTotal: 0 }
}
