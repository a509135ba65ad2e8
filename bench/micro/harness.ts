import { performance } from 'node:perf_hooks'

export interface Measurement {
  readonly nsPerOp: number
  /** Garbage made per operation; includes what the harness itself leaves behind, far below one byte. */
  readonly bytesPerOp: number
}

const rounds = 15

/**
 * The best of several rounds of about 20 ms, after warming up: the machine can only make a round slower, never faster.
 *
 * @param run does the operation that many times and returns something that depends on every result, so that none is left out
 */
export function measure(run: (operations: number) => number): Measurement {
  let operations = 1000
  while (timeMs(() => run(operations)) < 20) operations *= 2
  let nsPerOp = Number.POSITIVE_INFINITY
  let bytesPerOp = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const before = process.memoryUsage().heapUsed
    nsPerOp = Math.min(nsPerOp, (timeMs(() => run(operations)) * 1e6) / operations)
    const grown = process.memoryUsage().heapUsed - before
    // Below zero when the collector ran meanwhile: such a round says nothing.
    if (grown >= 0) bytesPerOp = Math.min(bytesPerOp, grown / operations)
  }
  return { nsPerOp, bytesPerOp }
}

/** One line: what, nanoseconds and bytes per operation. */
export function report(name: string, { nsPerOp, bytesPerOp }: Measurement): void {
  const bytes = Number.isFinite(bytesPerOp) ? bytesPerOp.toFixed(1) : 'collected'
  console.log(`${name.padEnd(44)} ${nsPerOp.toFixed(1).padStart(9)} ns/op ${bytes.padStart(9)} B/op`)
}

let sink = 0

function timeMs(run: () => number): number {
  const start = performance.now()
  sink += run()
  return performance.now() - start
}
