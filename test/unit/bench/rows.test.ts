import { describe, expect, it } from 'vitest'
import { oneRoute, type Shape } from '../../../bench/macro/cases.ts'
import type { Round } from '../../../bench/macro/result.ts'
import { compare, type Measured } from '../../../bench/macro/rows.ts'

const large: Shape = { routes: 1000, instancesPerRoute: 100 }

function round(cpuMicrosPerRequest: number, status = 0): Round {
  const failures = { connect: 0, read: 0, write: 0, timeout: 0, status }
  return { requests: 9, cpuMicrosPerRequest, requestsPerSecond: 1, p50Micros: 1, p99Micros: 1, p999Micros: 1, failures }
}

function row(competitor: string, rounds: readonly Round[], shape = oneRoute): Measured {
  return { competitor, version: '1.0', shape, rounds, peakBytes: 1, problem: null }
}

describe('rows of a case', () => {
  it('are compared with nginx round by round', () => {
    const [tidegate, nginx] = compare([
      row('tidegate', [round(10), round(33), round(12)]),
      row('nginx', [round(10), round(30), round(10)]),
    ])
    expect(tidegate?.cpuToNginx).toEqual({ median: 1.1, min: 1, max: 1.2 })
    expect(nginx?.cpuToNginx).toBeNull()
  })

  it('are compared with nginx of the same shape, and with themselves with one route', () => {
    const [tidegate] = compare([
      row('tidegate', [round(12)], large),
      row('nginx', [round(8)], large),
      row('tidegate', [round(10)]),
      row('nginx', [round(5)]),
    ])
    expect(tidegate?.cpuToNginx?.median).toBe(1.5)
    expect(tidegate?.cpuToOneRoute?.median).toBe(1.2)
  })

  it('are invalid, and say why, when a request failed in any round', () => {
    const [tidegate] = compare([row('tidegate', [round(10), round(10, 3)]), row('nginx', [round(10), round(10)])])
    expect(tidegate).toMatchObject({ problem: '3 requests failed (status 3)', cpuToNginx: null })
  })

  it('are compared with no nginx that is invalid or missing', () => {
    const tidegate = row('tidegate', [round(10)])
    expect(compare([tidegate, row('nginx', [round(10, 1)])])[0]?.cpuToNginx).toBeNull()
    expect(compare([tidegate])[0]?.cpuToNginx).toBeNull()
  })

  it('keep the reason for which a proxy dropped out', () => {
    const [caddy] = compare([{ ...row('caddy', []), problem: 'ended before it listened' }])
    expect(caddy?.problem).toBe('ended before it listened')
  })
})
