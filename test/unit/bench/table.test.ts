import { describe, expect, it } from 'vitest'
import { oneRoute } from '../../../bench/macro/cases.ts'
import { type Measured, nameOfCheckout } from '../../../bench/macro/ratios.ts'
import type { CaseResult } from '../../../bench/macro/result.ts'
import { renderCase } from '../../../bench/macro/table.ts'
import { caseResult, measured, round, rounds } from './fixtures.ts'

/** Cells of the row that begins so, or of the titles. */
function cells(result: CaseResult, start = 'proxy'): string[] {
  const line = renderCase(result)
    .split('\n')
    .find((text) => text.startsWith(`| ${start}`))
  return (line ?? '').split(/ *\| */).slice(1, -1)
}

function paced(competitor: string, p99Micros: number): Measured {
  return measured(competitor, { offeredPerSecond: 40_000, rounds: [round({ p99Micros, lagP99Micros: 120 })] })
}

function threads(count: 1 | 2, requestsPerSecond: number): Measured {
  return measured('nginx', { shape: { ...oneRoute, threads: count }, rounds: [round({ requestsPerSecond })] })
}

describe('the table of a case', () => {
  it('shows medians in the units of its titles, and ratios with their range', () => {
    const rows = [
      measured('tidegate', { rounds: rounds(11.04, 10.5, 12) }),
      measured('nginx', { rounds: rounds(10, 10, 10) }),
    ]
    const result = caseResult(rows)
    expect(cells(result, 'tidegate')).toEqual([
      'tidegate 1.22.1',
      '11.0',
      '1.10 (1.05–1.20)',
      '61,234',
      '0.90',
      '2.38',
      '4.00',
      '16',
    ])
  })

  it('has no column that would be empty', () => {
    expect(cells(caseResult([measured('nginx')]))).toEqual([
      'proxy',
      'CPU µs/request',
      'requests/s',
      'p50 ms',
      'p99 ms',
      'p99.9 ms',
      'peak MiB',
    ])
  })

  it('compares another checkout with this one', () => {
    const other = measured(nameOfCheckout('v0.1.0-7-gabc'), { version: '', rounds: rounds(20) })
    const result = caseResult([measured('tidegate', { rounds: rounds(10) }), other])
    expect(cells(result)).toContain('to tidegate')
    expect(cells(result, 'tidegate (')).toEqual(
      expect.arrayContaining(['tidegate (v0.1.0-7-gabc)', '2.00 (2.00–2.00)']),
    )
  })

  it('of a constant rate shows what was sent, how late, and p99 to that of nginx', () => {
    const result = caseResult([paced('tidegate', 600), paced('nginx', 400)], { case: 'rate', figure: 'p99' })
    expect(cells(result)).toEqual(expect.arrayContaining(['sent/s', 'p99 to nginx', 'sent late, p99 ms']))
    expect(cells(result, 'tidegate')).toEqual(expect.arrayContaining(['40,000', '1.50 (1.50–1.50)', '0.12']))
  })

  it('of two threads shows how many times the requests of one they serve', () => {
    const result = caseResult([threads(2, 95_000), threads(1, 50_000)], { case: 'threads', figure: 'speedup' })
    expect(cells(result)).toEqual(expect.arrayContaining(['threads', 'requests/s to one thread']))
    expect(cells(result, 'nginx')).toContain('1.90 (1.90–1.90)')
  })

  it('says which cipher each proxy agreed on with a client', () => {
    const result = caseResult([measured('nginx', { tls: 'TLSv1.3 TLS_AES_128_GCM_SHA256' })], { case: 'tls' })
    expect(cells(result, 'nginx').at(-1)).toBe('AES_128_GCM_SHA256')
  })

  it('gives no figure of an invalid row, and says why on one line', () => {
    const text = renderCase(caseResult([measured('nginx', { problem: 'caddy ended:\n  no such option' })]))
    expect(text).not.toContain('15.3')
    expect(text).toContain('invalid')
    expect(text).toContain('\nInvalid: nginx: caddy ended: no such option.')
  })

  it('tells a proxy that never served from one whose figures count for nothing', () => {
    const result = caseResult([measured('tidegate', { rounds: [], problem: 'not built yet' })])
    expect(cells(result, 'tidegate')[1]).toBe('out')
  })

  it('says so where others used the machine', () => {
    const result = caseResult([measured('nginx')])
    const busy = { ...result, machine: { ...result.machine, loadAverageBefore: 4.04 } }
    expect(renderCase(busy)).toContain('load average 4.0')
    expect(renderCase(result)).not.toContain('load average')
  })

  it('names those that were not there', () => {
    const absent = [{ competitor: 'caddy', reason: 'not installed: run bench/setup.sh' }]
    expect(renderCase(caseResult([measured('nginx')], { absent }))).toContain(
      'Not measured: caddy (not installed: run bench/setup.sh).',
    )
  })
})
