import { describe, expect, it } from 'vitest'
import { oneRoute } from '../../../bench/macro/cases.ts'
import type { CaseResult, Round, Row } from '../../../bench/macro/result.ts'
import { renderCase } from '../../../bench/macro/table.ts'

const failures = { connect: 0, read: 0, write: 0, timeout: 0, status: 0 }
const round: Round = {
  requests: 200_000,
  cpuMicrosPerRequest: 15.26,
  requestsPerSecond: 61_234.4,
  p50Micros: 900,
  p99Micros: 2384,
  p999Micros: 4000,
  failures,
}
const row: Row = {
  competitor: 'nginx',
  version: '1.22.1',
  shape: oneRoute,
  rounds: [round],
  peakBytes: 16 * 1024 ** 2,
  problem: null,
  cpuToNginx: null,
  cpuToOneRoute: null,
}

function render(rows: readonly Row[], absent: CaseResult['absent'] = []): string {
  return renderCase({
    case: 'json',
    title: 'small JSON response',
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
    rows,
    absent,
  })
}

describe('the table of a case', () => {
  it('shows medians in the units of its titles, and ratios with their range', () => {
    const tidegate = { ...row, competitor: 'tidegate', cpuToNginx: { median: 1.104, min: 1.05, max: 1.2 } }
    const cells = render([tidegate])
      .split('\n')
      .find((line) => line.startsWith('| tidegate'))
      ?.split(/ *\| */)
    expect(cells?.slice(1, -1)).toEqual([
      'tidegate 1.22.1',
      '15.3',
      '1.10 (1.05–1.20)',
      '61,234',
      '0.90',
      '2.38',
      '4.00',
      '16',
    ])
  })

  it('gives no figure of an invalid row, and says why on one line', () => {
    const text = render([{ ...row, problem: 'caddy ended:\n  no such option' }])
    expect(text).not.toContain('15.3')
    expect(text).toContain('\nInvalid: nginx: caddy ended: no such option.')
  })

  it('names those that were not there', () => {
    expect(render([row], [{ competitor: 'caddy', reason: 'not installed: run bench/setup.sh' }])).toContain(
      'Not measured: caddy (not installed: run bench/setup.sh).',
    )
  })
})
