import { oneRoute } from '../../../bench/macro/cases.ts'
import type { Measured } from '../../../bench/macro/ratios.ts'
import { type CaseResult, resultFormat, type Round } from '../../../bench/macro/result.ts'
import { compare } from '../../../bench/macro/rows.ts'

const failures = { connect: 0, read: 0, write: 0, timeout: 0, status: 0 }

export function round(parts: Partial<Round> = {}): Round {
  return {
    requests: 200_000,
    cpuMicrosPerRequest: 15.26,
    userMicrosPerRequest: 5.26,
    systemMicrosPerRequest: 10,
    requestsPerSecond: 61_234.4,
    p50Micros: 900,
    p99Micros: 2384,
    p999Micros: 4000,
    lagP99Micros: null,
    failures,
    ...parts,
  }
}

/** Rounds that differ in their CPU per request. */
export function rounds(...cpuMicrosPerRequest: readonly number[]): Round[] {
  return cpuMicrosPerRequest.map((micros) => round({ cpuMicrosPerRequest: micros }))
}

export function measured(competitor: string, parts: Partial<Measured> = {}): Measured {
  return {
    competitor,
    version: '1.22.1',
    shape: oneRoute,
    tls: null,
    offeredPerSecond: null,
    rounds: [round()],
    peakBytes: 16 * 1024 ** 2,
    problem: null,
    ...parts,
  }
}

export function caseResult(rows: readonly Measured[], parts: Partial<CaseResult> = {}): CaseResult {
  return {
    format: resultFormat,
    case: 'json',
    title: 'small JSON response',
    figure: 'cpu',
    startedAt: '2026-01-02T03:04:05.678Z',
    connections: 64,
    rounds: 5,
    seconds: 4,
    machine: {
      cpuModel: 'A CPU',
      cpuCount: 2,
      memoryBytes: 1,
      kernel: '6.1',
      node: '24.0.0',
      origin: 'nginx 1.22.1',
      loadGenerator: 'wrk 4.1.0',
      proxyCpus: '1',
      otherCpus: '0',
      loadAverageBefore: 0,
    },
    rows: compare(rows),
    absent: [],
    ...parts,
  }
}
