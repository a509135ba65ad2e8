import { percentile } from '../acceptance/figures.ts'
import { alienKind, lostKinds, type Samples } from './load/samples.ts'

export interface Figures {
  readonly requests: number
  /** Of every kind; those below are among them. */
  readonly failed: number
  /** Requests without a single byte of an answer. */
  readonly lost: number
  /** Answers to other requests. */
  readonly alien: number
  /** How many failed in which way. */
  readonly kinds: Readonly<Record<string, number>>
  readonly p99BeforeMs: number
  /** Of requests that were due while the fault lasted. */
  readonly p99DuringMs: number
  /**
   * From the last blow to the first second in which no request failed and p99 was at most twice what it had been; null when there
   * was none.
   */
  readonly recoveredMs: number | null
}

/** When things happened, on the clock of `systemMs`. */
export interface Phases {
  /** Requests before it warm things up, and don't count. */
  readonly countedMs: number
  readonly struckMs: number
  readonly lastBlowMs: number
  /** The fault is over. */
  readonly calmMs: number
}

const windowMs = 1000
const stepMs = 100
const recoveredFactor = 2

export function figuresOf(samples: Samples, { countedMs, struckMs, lastBlowMs, calmMs }: Phases): Figures {
  const order = Array.from(samples.dueMs.keys())
    .filter((i) => at(samples.dueMs, i) >= countedMs)
    .toSorted((a, b) => at(samples.dueMs, a) - at(samples.dueMs, b))
  const kinds: Record<string, number> = {}
  for (const i of order) {
    const kind = samples.kinds[at(samples.kind, i)] as string
    if (kind !== 'ok') kinds[kind] = (kinds[kind] ?? 0) + 1
  }
  const between = (fromMs: number, toMs: number) =>
    order.filter((i) => at(samples.dueMs, i) >= fromMs && at(samples.dueMs, i) < toMs)
  const p99 = (indexes: readonly number[]) =>
    percentile(
      indexes.map((i) => at(samples.latencyMs, i)),
      0.99,
    )
  const p99BeforeMs = p99(between(countedMs, struckMs))
  return {
    requests: order.length,
    failed: Object.values(kinds).reduce((sum, count) => sum + count, 0),
    lost: lostKinds.reduce((sum, kind) => sum + (kinds[kind] ?? 0), 0),
    alien: kinds[alienKind] ?? 0,
    kinds,
    p99BeforeMs,
    p99DuringMs: p99(between(struckMs, Math.max(calmMs, struckMs + 1))),
    recoveredMs: recovery(),
  }

  function recovery(): number | null {
    const endMs = at(samples.dueMs, order.at(-1) ?? -1)
    for (let fromMs = lastBlowMs; fromMs + windowMs <= endMs; fromMs += stepMs) {
      const window = between(fromMs, fromMs + windowMs)
      const isWell = window.every((i) => at(samples.kind, i) === 0)
      if (window.length > 0 && isWell && p99(window) <= recoveredFactor * p99BeforeMs) return fromMs - lastBlowMs
    }
    return null
  }
}

/** Of requests that were due from one time to another: how many were answered well each second, and their p99. */
export function goodput(all: readonly Samples[], fromMs: number, toMs: number): { perSecond: number; p99Ms: number } {
  const latencies = all.flatMap(({ kind, dueMs, latencyMs }) =>
    Array.from(latencyMs).filter((_, i) => kind[i] === 0 && at(dueMs, i) >= fromMs && at(dueMs, i) < toMs),
  )
  return { perSecond: (latencies.length * 1000) / (toMs - fromMs), p99Ms: percentile(latencies, 0.99) }
}

function at(values: Float64Array | Uint8Array, index: number): number {
  return values[index] ?? Number.NaN
}
