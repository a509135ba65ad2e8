import { describe, expect, it } from 'vitest'
import type { Failed, Outcome } from '../../../bench/chaos/fault.ts'
import { figuresOf, goodput } from '../../../bench/chaos/figures.ts'
import {
  always,
  failedOnlyAs,
  noneAfterEjection,
  noneFailed,
  onlyInFlightOfThread,
} from '../../../bench/chaos/judge.ts'
import type { Samples } from '../../../bench/chaos/load/samples.ts'
import { parseOptions } from '../../../bench/chaos/options.ts'
import { isMissed, mergeRows, renderTable, type Row } from '../../../bench/chaos/report.ts'
import { UsageError } from '../../../bench/macro/options.ts'

interface Sample {
  readonly dueMs: number
  readonly kind?: string
  readonly latencyMs?: number
}

function samplesOf(all: readonly Sample[]): Samples {
  const kinds = [...new Set(['ok', ...all.map(({ kind = 'ok' }) => kind)])]
  return {
    kinds,
    kind: Uint8Array.from(all, ({ kind = 'ok' }) => kinds.indexOf(kind)),
    dueMs: Float64Array.from(all, ({ dueMs }) => dueMs),
    sentMs: Float64Array.from(all, ({ dueMs }) => dueMs),
    latencyMs: Float64Array.from(all, ({ latencyMs = 10 }) => latencyMs),
  }
}

/** Ten requests a second for so long, all well but those told. */
function steady(seconds: number, others: readonly Sample[] = []): Samples {
  const well = Array.from({ length: seconds * 10 }, (_, i) => ({ dueMs: i * 100 }))
  return samplesOf([...well.filter(({ dueMs }) => !others.some((other) => other.dueMs === dueMs)), ...others])
}

const phases = { countedMs: 1000, struckMs: 2000, lastBlowMs: 2000, calmMs: 4000 }

describe('figures', () => {
  it('count what failed and in which way, and not what warmed things up', () => {
    const samples = steady(10, [
      { dueMs: 500, kind: 'reset' },
      { dueMs: 2100, kind: 'reset' },
      { dueMs: 2200, kind: '502 reset-before-head' },
      { dueMs: 2300, kind: 'alien answer' },
    ])
    expect(figuresOf(samples, phases)).toMatchObject({
      requests: 90,
      failed: 3,
      lost: 1,
      alien: 1,
      kinds: { reset: 1, '502 reset-before-head': 1, 'alien answer': 1 },
    })
  })

  it('have p99 of before and of while the fault lasted', () => {
    const samples = steady(10, [
      { dueMs: 1500, latencyMs: 20 },
      { dueMs: 3000, latencyMs: 70 },
      { dueMs: 5000, latencyMs: 900 },
    ])
    expect(figuresOf(samples, phases)).toMatchObject({ p99BeforeMs: 20, p99DuringMs: 70 })
  })

  it('see recovery in the first second without a failure and not much slower than before', () => {
    const samples = steady(10, [
      { dueMs: 2500, kind: '502' },
      { dueMs: 3000, latencyMs: 21 },
    ])
    expect(figuresOf(samples, phases).recoveredMs).toBe(1100)
  })

  it('see no recovery where failures go on', () => {
    const failing = Array.from({ length: 16 }, (_, i) => ({ dueMs: 2000 + i * 500, kind: '502' }))
    expect(figuresOf(steady(10, failing), phases).recoveredMs).toBeNull()
  })

  it('have goodput over all loads', () => {
    const overloaded = samplesOf([{ dueMs: 2500 }, { dueMs: 2600, kind: '503 overloaded' }, { dueMs: 4500 }])
    expect(goodput([steady(10), overloaded], 2000, 4000)).toEqual({ perSecond: 10.5, p99Ms: 10 })
  })
})

function outcome(failed: readonly Partial<Failed>[], parts: Partial<Outcome> = {}): Outcome {
  const all = failed.map((one) => ({ kind: '502', sentMs: 2500, endedMs: 2510, ...one }))
  const samples = steady(
    10,
    all.map(({ kind, sentMs }, i) => ({ dueMs: sentMs + i, kind })),
  )
  return {
    edge: 'tidegate',
    figures: figuresOf(samples, phases),
    failed: all,
    repeated: [],
    leftInFlight: 0,
    ejectedMs: [],
    struckMs: 2000,
    endedMs: 4000,
    connections: 64,
    peakPerSecond: Number.NaN,
    added: [],
    steady: samples,
    facts: {},
    ...parts,
  }
}

describe('judgement', () => {
  it('is content where nothing failed', () => {
    expect([...always(outcome([])), ...noneFailed(outcome([]))]).toEqual([])
  })

  it.each([
    ['answers to others', outcome([{ kind: 'alien answer' }])],
    ['requests sent twice', outcome([], { repeated: ['o-1-1-post × 2'] })],
    ['gauges that do not return to 0', outcome([], { leftInFlight: 1 })],
  ])('never accepts %s', (_what, bad) => {
    expect(always(bad)).toHaveLength(1)
  })

  it('takes a status for every failure with it, and a name for itself alone', () => {
    const failed = outcome([{ kind: '502 reset-before-head' }, { kind: '502 connect-refused' }])
    expect(failedOnlyAs('502')(failed)).toEqual([])
    expect(failedOnlyAs('502 reset-before-head')(failed)).toEqual(['1 failed otherwise: 502 connect-refused'])
    expect(failedOnlyAs('50')(failed)).toHaveLength(1)
  })

  it('excuses what was sent before an ejection, and nothing without one', () => {
    expect(noneAfterEjection(outcome([{ sentMs: 2500 }], { ejectedMs: [2600] }))).toEqual([])
    expect(noneAfterEjection(outcome([{ sentMs: 2700 }], { ejectedMs: [2600] }))).toHaveLength(1)
    expect(noneAfterEjection(outcome([{ sentMs: Number.NaN }], { ejectedMs: [2600] }))).toHaveLength(1)
    expect(noneAfterEjection(outcome([{}]))).toEqual(['it was not ejected'])
  })

  it('excuses what a thread had under way when it ended, and no answer', () => {
    const facts = { replacedMs: 2600 }
    expect(onlyInFlightOfThread(outcome([{ kind: 'reset' }, { kind: 'cut' }], { facts }))).toEqual([])
    expect(onlyInFlightOfThread(outcome([{ kind: 'reset', sentMs: 2700 }], { facts }))).toHaveLength(1)
    expect(onlyInFlightOfThread(outcome([{ kind: '503 draining' }], { facts }))).toHaveLength(1)
  })
})

describe('the table', () => {
  const row: Row = {
    fault: 'killed-get',
    does: '',
    holds: '',
    edge: 'tidegate',
    version: '1',
    startedAt: '2026-01-01T00:00:00.000Z',
    loadAverageBefore: 0,
    seconds: 1,
    times: 1,
    obstacle: null,
    result: null,
  }
  const result = { figures: outcome([]).figures, facts: {}, repeated: 0, ratePerSecond: 10, missed: ['1 failed'] }

  it('says OK, MISSED, what broke off and what is not built', () => {
    const rows = [
      { ...row, result: { ...result, missed: [] } },
      { ...row, result },
      row,
      { ...row, obstacle: 'not built' },
    ]
    const verdicts = renderTable(rows)
      .split('\n')
      .slice(2)
      .map((line) => line.split('|').at(-2)?.trim())
    expect(verdicts).toEqual(['OK', 'MISSED', 'broke off', 'not built'])
    expect(rows.map(isMissed)).toEqual([false, true, true, false])
  })

  it('keeps what was found before of other faults and proxies, in the order of the faults', () => {
    const before = [row, { ...row, edge: 'nginx' }, { ...row, fault: 'gone' }, { ...row, fault: 'stopped' }]
    const now = [{ ...row, seconds: 2 }]
    const merged = mergeRows(before, now, ['stopped', 'killed-get'])
    expect(merged.map(({ fault, edge, seconds }) => `${fault} ${edge} ${seconds}`)).toEqual([
      'stopped tidegate 1',
      'killed-get tidegate 2',
      'killed-get nginx 1',
    ])
  })

  it('holds nobody else to what we promise', () => {
    expect(isMissed({ ...row, edge: 'nginx', result })).toBe(false)
  })
})

describe('options', () => {
  it('take faults by name, and all by default', () => {
    expect(parseOptions(['--fault', 'stopped,killed-get']).faults.map(({ name }) => name)).toEqual([
      'stopped',
      'killed-get',
    ])
    expect(parseOptions([]).faults.length).toBeGreaterThan(15)
  })

  it.each([['--fault', 'none'], ['--against', 'tidegate'], ['--seconds', '0'], ['--engine', 'slow'], ['--what']])(
    'refuse %s %s',
    (...args) => {
      expect(() => parseOptions(args)).toThrow(UsageError)
    },
  )
})
