import { performance } from 'node:perf_hooks'
import { GCProfiler } from 'node:v8'
import type { Benchmark } from './benchmark.ts'

export interface Measurement {
  readonly nsPerOp: number
  /** Bytes taken from the JavaScript heap per operation. */
  readonly bytesPerOp: number
}

/** Flags for the Node that measures: without room for a whole round, a collection would hide what was allocated. */
export const measuringFlags: readonly string[] = [
  '--expose-gc',
  '--min-semi-space-size=128',
  '--max-semi-space-size=128',
]

const rounds = 11
const allocationRounds = 25
const roundMs = 20
const countedOperations = 100_000

/** The best of several rounds, after warming up: the machine can only make a round slower, never faster. */
export function measure({ run }: Benchmark): Measurement {
  let operations = 1000
  while (timeMs(run, operations) < roundMs) operations *= 2
  let nsPerOp = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) nsPerOp = Math.min(nsPerOp, (timeMs(run, operations) * 1e6) / operations)
  // By the best round: one in which the machine was busy would have so few counted that what is not theirs weighs.
  const inRounds = Math.ceil((5 * roundMs * 1e6) / nsPerOp)
  return { nsPerOp, bytesPerOp: allocatedPerOp(run, Math.min(countedOperations, inRounds)) }
}

/** Growth of the heap over operations. Throws when most rounds were interrupted by a collection, however few operations they had. */
function allocatedPerOp(run: Benchmark['run'], most: number): number {
  for (let operations = most; operations > 10; operations = Math.floor(operations / 10)) {
    const grown: number[] = []
    for (let round = 0; round < allocationRounds; round++) {
      grown.push(grownBytes(run, operations))
      // So many operations fill the heap: all other rounds would be collected, too.
      if (round === 2 && grown.every(Number.isNaN)) break
    }
    const bytes = typicalGrowth(grown)
    if (bytes !== null) return bytes / operations
  }
  throw new Error('each round was collected: a few operations fill the heap')
}

/**
 * What a round takes when nothing else happens: the middle of them, since the compiler allocates now and then, and what a
 * collection left to be swept is given back now and then, which hides as much of what was allocated.
 *
 * @param growths bytes, NaN where the collector ran
 * @returns null when too few rounds were left alone to tell
 */
export function typicalGrowth(growths: readonly number[]): number | null {
  const measured = growths.filter((bytes) => bytes >= 0).toSorted((one, other) => one - other)
  return measured.length * 2 > allocationRounds ? (measured[measured.length >> 1] ?? null) : null
}

/** NaN when the collector ran meanwhile. */
function grownBytes(run: Benchmark['run'], operations: number): number {
  if (globalThis.gc === undefined) throw new Error(`needs node ${measuringFlags.join(' ')}`)
  globalThis.gc()
  const collections = new GCProfiler()
  collections.start()
  const before = process.memoryUsage().heapUsed
  sink += run(operations)
  const grown = process.memoryUsage().heapUsed - before
  return collections.stop().statistics.length === 0 ? grown : Number.NaN
}

let sink = 0

function timeMs(run: Benchmark['run'], operations: number): number {
  const start = performance.now()
  sink += run(operations)
  return performance.now() - start
}
