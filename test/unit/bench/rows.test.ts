import { describe, expect, it } from 'vitest'
import { oneRoute, type Shape } from '../../../bench/macro/cases.ts'
import { nameOfCheckout } from '../../../bench/macro/ratios.ts'
import { compare } from '../../../bench/macro/rows.ts'
import { measured, round, rounds } from './fixtures.ts'

const large: Shape = { routes: 1000, instancesPerRoute: 100, threads: 1 }
const failed = { connect: 0, read: 0, write: 0, timeout: 0, status: 3 }

describe('rows of a case', () => {
  it('are compared with nginx and HAProxy round by round', () => {
    const [tidegate, nginx, haproxy] = compare([
      measured('tidegate', { rounds: rounds(10, 33, 12) }),
      measured('nginx', { rounds: rounds(10, 30, 10) }),
      measured('haproxy', { rounds: rounds(20, 33, 24) }),
    ])
    expect(tidegate?.ratios.cpuToNginx).toEqual({ median: 1.1, min: 1, max: 1.2 })
    expect(tidegate?.ratios.cpuToHaproxy).toEqual({ median: 0.5, min: 0.5, max: 1 })
    expect(nginx?.ratios).toMatchObject({ cpuToNginx: null, cpuToHaproxy: { median: 0.5 } })
    expect(haproxy?.ratios).toMatchObject({ cpuToNginx: { median: 2 }, cpuToHaproxy: null })
  })

  it('of another checkout are compared with this one, and no others are', () => {
    const [tidegate, other, nginx] = compare([
      measured('tidegate', { rounds: rounds(10, 20) }),
      measured(nameOfCheckout('v0.1.0-7-gabc'), { rounds: rounds(11, 22) }),
      measured('nginx', { rounds: rounds(10, 10) }),
    ])
    expect(other?.ratios.cpuToTidegate?.median).toBeCloseTo(1.1)
    expect([tidegate?.ratios.cpuToTidegate, nginx?.ratios.cpuToTidegate]).toEqual([null, null])
  })

  it('are compared with nginx of the same shape, and with themselves in the last one', () => {
    const [tidegate, , own] = compare([
      measured('tidegate', { shape: large, rounds: rounds(12) }),
      measured('nginx', { shape: large, rounds: rounds(8) }),
      measured('tidegate', { rounds: rounds(10) }),
      measured('nginx', { rounds: rounds(5) }),
    ])
    expect(tidegate?.ratios).toMatchObject({ cpuToNginx: { median: 1.5 }, cpuToLastShape: { median: 1.2 } })
    expect(own?.ratios).toMatchObject({ cpuToNginx: { median: 2 }, cpuToLastShape: null })
  })

  it('tell how many times the requests of one thread two threads serve', () => {
    const [two] = compare([
      measured('tidegate', { shape: { ...oneRoute, threads: 2 }, rounds: [round({ requestsPerSecond: 90 })] }),
      measured('tidegate', { rounds: [round({ requestsPerSecond: 50 })] }),
    ])
    expect(two?.ratios.rateToLastShape?.median).toBe(1.8)
  })

  it('compare the p99 of different rates', () => {
    const [tidegate] = compare([
      measured('tidegate', { rounds: [round({ p99Micros: 300 }), round({ p99Micros: 500 })] }),
      measured('nginx', { rounds: [round({ p99Micros: 200 }), round({ p99Micros: 250 })] }),
    ])
    expect(tidegate?.ratios.p99ToNginx).toEqual({ median: 1.75, min: 1.5, max: 2 })
  })

  it('are invalid, and say why, when a request failed in any round', () => {
    const broken = measured('tidegate', { rounds: [round(), round({ failures: failed })] })
    const [tidegate] = compare([broken, measured('nginx', { rounds: rounds(10, 10) })])
    expect(tidegate).toMatchObject({ problem: '3 requests failed (status 3)', ratios: { cpuToNginx: null } })
  })

  it('are compared with no nginx that is invalid or missing', () => {
    const tidegate = measured('tidegate')
    const broken = measured('nginx', { rounds: [round({ failures: failed })] })
    expect(compare([tidegate, broken])[0]?.ratios.cpuToNginx).toBeNull()
    expect(compare([tidegate])[0]?.ratios.cpuToNginx).toBeNull()
  })

  it('keep the reason for which a proxy dropped out', () => {
    const [caddy] = compare([measured('caddy', { rounds: [], problem: 'ended before it listened' })])
    expect(caddy?.problem).toBe('ended before it listened')
  })
})
