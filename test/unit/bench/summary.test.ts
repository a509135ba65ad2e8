import { describe, expect, it } from 'vitest'
import { oneRoute } from '../../../bench/macro/cases.ts'
import type { Measured } from '../../../bench/macro/ratios.ts'
import { renderPage, renderSummary } from '../../../bench/macro/summary.ts'
import { caseResult, measured, round, rounds } from './fixtures.ts'

const json = caseResult([
  measured('tidegate', { version: 'abc1234', rounds: rounds(12) }),
  measured('nginx', { rounds: rounds(10) }),
  measured('haproxy', { rounds: rounds(15) }),
])
const post = caseResult([measured('tidegate', { version: '0ld', rounds: rounds(40) })], {
  case: 'post16k',
  title: '16 KiB POST',
  startedAt: '2025-12-31T23:59:59.000Z',
})

function lineOf(text: string, name: string): string[] {
  const line = text.split('\n').find((each) => each.startsWith(`| \`${name}\``))
  return (line ?? '').split(/ *\| */).slice(1, -1)
}

function threads(competitor: string, count: 1 | 2, requestsPerSecond: number): Measured {
  const shape = { ...oneRoute, threads: count }
  return measured(competitor, { shape, rounds: [round({ requestsPerSecond, cpuMicrosPerRequest: count * 10 })] })
}

describe('the summary of all cases', () => {
  it('has a row a case, with the version and the day that it is from', () => {
    const text = renderSummary([json, post])
    expect(lineOf(text, 'json')).toEqual([
      '`json`: small JSON response',
      '12.0',
      '1.20 (1.20–1.20)',
      '≤ 1.2',
      '0.80 (0.80–0.80)',
      '2.38',
      'abc1234',
      '2026-01-02',
    ])
    expect(lineOf(text, 'post16k')).toEqual([
      '`post16k`: 16 KiB POST',
      '40.0',
      '',
      '≤ 1.3',
      '',
      '2.38',
      '0ld',
      '2025-12-31',
    ])
  })

  it('has the whole table of small JSON, and of no other case', () => {
    const text = renderSummary([json, post])
    expect(text).toContain('**small JSON response**')
    expect(text).not.toContain('**16 KiB POST**')
  })

  it('shows the shape that a case is about', () => {
    const rows = [
      threads('tidegate', 2, 90),
      threads('tidegate', 1, 50),
      threads('nginx', 2, 95),
      threads('nginx', 1, 50),
    ]
    const text = renderSummary([caseResult(rows, { case: 'threads', figure: 'speedup' })])
    expect(lineOf(text, 'threads')[1]).toBe('20.0')
    expect(text).toContain('Two threads serve 1.80 (1.80–1.80) times the requests of one; two nginx processes 1.90 (')
  })

  it('says what p99 is at a constant rate, to that of nginx', () => {
    const rows = [
      measured('tidegate', { rounds: [round({ p99Micros: 300 })] }),
      measured('nginx', { rounds: [round({ p99Micros: 200 })] }),
    ]
    expect(renderSummary([caseResult(rows, { case: 'rate', figure: 'p99' })])).toContain(
      'its p99 is 1.50 (1.50–1.50) times',
    )
  })

  it('names the cases that were measured while others used the machine', () => {
    const busy = { ...post, machine: { ...post.machine, loadAverageBefore: 4 } }
    expect(renderSummary([json, busy])).toContain('figures scatter, in `post16k`.')
    expect(renderSummary([json, post])).not.toContain('scatter')
  })

  it('says that Tidegate is out where it could not be measured', () => {
    const out = measured('tidegate', { rounds: [], problem: 'not built yet' })
    expect(lineOf(renderSummary([caseResult([out], { case: 'tls' })]), 'tls').slice(1, 5)).toEqual([
      'out',
      '',
      '≤ 1.4',
      '',
    ])
  })
})

describe('the page of results', () => {
  it('has the whole table of every case', () => {
    const page = renderPage([json, post])
    expect(page).toContain('**small JSON response**, 64 connections (`json`)')
    expect(page).toContain('**16 KiB POST**, 64 connections (`post16k`)')
  })
})
