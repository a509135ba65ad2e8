import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { noRoom, overLimit } from '../../src/core/keyed-counts.ts'
import { Ledger } from '../../src/core/ledger.ts'
import type { CountingParameters, CountingReport, CountingTask, Shared, Step } from '../support/counting-thread.ts'

const workers: Worker[] = []

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()))
})

/** A Ledger with one service and one listener. */
function makeLedger(columns: number): Ledger {
  const ledger = Ledger.create(columns, 0)
  ledger.reserve(1, 1)
  ledger.reserveListeners(1)
  return ledger
}

async function startThread(ledger: Ledger, column: number): Promise<Worker> {
  const workerData: CountingParameters = { ledger: ledger.shape(), column }
  const worker = new Worker(new URL('../support/counting-thread.ts', import.meta.url), { workerData })
  workers.push(worker)
  await once(worker, 'message')
  return worker
}

function startThreads(ledger: Ledger, count: number): Promise<Worker[]> {
  return Promise.all(Array.from({ length: count }, (_, column) => startThread(ledger, column)))
}

function makeShared(threads: number): Shared {
  return {
    gate: new Int32Array(new SharedArrayBuffer(4)),
    threads,
    witness: new Int32Array(new SharedArrayBuffer(64 * 4)),
  }
}

async function run(worker: Worker, task: CountingTask): Promise<CountingReport> {
  const reported = once(worker, 'message')
  worker.postMessage(task)
  const [report] = (await reported) as [CountingReport]
  return report
}

function sumOf(reports: readonly CountingReport[], client: string): number {
  return reports.reduce((sum, { held }) => sum + (held[client] ?? 0), 0)
}

const threadCount = 3
const clientNames = Array.from({ length: 6 }, (_, i) => `client-${i}`)
const step = fc.record({ client: fc.constantFrom(...clientNames), act: fc.constantFrom('take', 'give back') })
/** One script per thread. */
const scripts = fc.array(fc.array(step, { minLength: 1, maxLength: 100 }), {
  minLength: threadCount,
  maxLength: threadCount,
})
/** So often a thread follows its steps: long enough that the others do so at the same time. */
const rounds = 2000

/** Lets every thread follow its script, all at the same time. */
function follow(
  threads: readonly Worker[],
  steps: readonly Step[][],
  limits: { readonly limit: number; readonly total: number },
): Promise<CountingReport[]> {
  const shared = makeShared(threads.length)
  return Promise.all(
    threads.map((thread, i) => run(thread, { type: 'steps', steps: steps[i] ?? [], rounds, shared, ...limits })),
  )
}

describe('connections counted by several threads at once', () => {
  it('are never more than a client may have, and afterwards exactly what the threads hold', async () => {
    const ledger = makeLedger(threadCount)
    ledger.reserveClients(0, 1)
    const threads = await startThreads(ledger, threadCount)
    const clients = ledger.clients(0, -1)
    const property = fc.asyncProperty(scripts, fc.integer({ min: 1, max: 4 }), async (steps, limit) => {
      const reports = await follow(threads, steps, { limit, total: Infinity })
      for (const { highest } of reports) expect(highest).toBeLessThanOrEqual(limit)
      for (const [column, { held }] of reports.entries()) {
        for (const name of Object.keys(held)) {
          expect({ name, count: clients?.count(name) }).toEqual({ name, count: sumOf(reports.slice(column), name) })
        }
        // Its own share only, whoever else holds the same client.
        ledger.takeBack(column)
        expect(ledger.settle()).toBe(true)
      }
      for (const name of clientNames) expect(clients?.count(name)).toBe(0)
    })
    await fc.assert(property, { numRuns: 60 })
  })

  it('are never more than a listener may have, and afterwards exactly what the threads hold', async () => {
    const ledger = makeLedger(threadCount)
    const threads = await startThreads(ledger, threadCount)
    const cell = ledger.listener(0, -1)
    const property = fc.asyncProperty(scripts, fc.integer({ min: 1, max: 12 }), async (steps, total) => {
      const reports = await follow(threads, steps, { limit: Infinity, total })
      for (const { highestTotal } of reports) expect(highestTotal).toBeLessThanOrEqual(total)
      for (const column of reports.keys()) {
        const held = clientNames.map((name) => sumOf(reports.slice(column), name))
        expect(cell.count()).toBe(held.reduce((sum, count) => sum + count, 0))
        ledger.takeBack(column)
      }
      expect(cell.count()).toBe(0)
    })
    await fc.assert(property, { numRuns: 60 })
  })

  it('are given back whole when a thread dies, wherever it stands, while another counts on', async () => {
    const ledger = makeLedger(threadCount)
    ledger.reserveClients(0, 1)
    const names = clientNames
    const shared = makeShared(1)
    const survivor = await startThread(ledger, 0)
    survivor.postMessage({ type: 'forever', clients: names, limit: 2, shared } satisfies CountingTask)
    const clients = ledger.clients(0, 2)
    const all = ledger.listener(0, 2)
    for (let death = 0; death < 25; death++) {
      const dying = await startThread(ledger, 1)
      const gate = makeShared(1)
      dying.postMessage({ type: 'forever', clients: names, limit: 2, shared: gate } satisfies CountingTask)
      while (Atomics.load(gate.gate, 0) === 0) await new Promise((resolve) => setImmediate(resolve))
      await dying.terminate()
      ledger.takeBack(1)
      while (!ledger.settle());
      // One place is the survivor's at times, the other is free: a share or a lock that the dead left would show.
      for (const name of names) {
        let row = noRoom
        // The survivor may have been taken off the CPU with the lock in its hands.
        while (row === noRoom) row = clients?.acquire(name, 2) ?? overLimit
        expect(row).toBeGreaterThanOrEqual(0)
        clients?.release(row)
        expect(all.acquire(2)).toBe(true)
        all.release()
      }
    }
    await survivor.terminate()
    ledger.takeBack(0)
    expect(ledger.settle()).toBe(true)
    for (const name of names) expect(clients?.count(name)).toBe(0)
    expect(all.count()).toBe(0)
  })
})

describe('a retry budget', () => {
  it('is spent exactly once over two threads', async () => {
    const ledger = makeLedger(2)
    const threads = await startThreads(ledger, 2)
    const cell = ledger.service(0)
    for (let round = 1; round <= 20; round++) {
      const budget = 500 * round
      cell.depositRetry(budget * 1000 + 999, 2 ** 30)
      const shared = makeShared(2)
      const reports = await Promise.all(threads.map((thread) => run(thread, { type: 'retries', shared })))
      expect(sumOf(reports, 'retries')).toBe(budget)
      // What is left is less than a retry, until as much comes as makes it one.
      expect(cell.withdrawRetry()).toBe(false)
      cell.depositRetry(1, 2 ** 30)
      expect(cell.withdrawRetry()).toBe(true)
    }
  })
})
