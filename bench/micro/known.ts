import type { Benchmark } from './benchmark.ts'
import { measure } from './measure.ts'

/** What V8 takes for them on 64-bit systems, without pointer compression: a header of three words, and a word a field. */
export const knownBytes = 48
const toleranceBytes = 0.5

let kept: object = {}

/** Allocates a known amount: kept where the compiler can't prove that nobody looks. */
export const knownAllocation: Benchmark = {
  name: 'an object of three numbers',
  run(operations) {
    for (let i = 0; i < operations; i++) kept = { a: i, b: i, c: i }
    return Object.keys(kept).length
  },
}

/** Throws where the method does not count a known allocation right: its other figures are worth nothing then. */
export function checkMethod(): void {
  const { bytesPerOp } = measure(knownAllocation)
  if (Math.abs(bytesPerOp - knownBytes) <= toleranceBytes) return
  throw new Error(`${knownAllocation.name}: ${bytesPerOp.toFixed(2)} bytes counted, ${knownBytes} allocated`)
}
