import { describe, expect, it } from 'vitest'
import { selfTimes, type CpuProfile } from '../../../bench/macro/self-time.ts'

function node(id: number, functionName: string, url = '', lineNumber = -1): CpuProfile['nodes'][number] {
  return { id, callFrame: { functionName, url, lineNumber } }
}

const whole = { fromMicros: 0, toMicros: Infinity }

describe('self times of a CPU profile', () => {
  it('are shares of the time that was not idle, most first', () => {
    const nodes = [
      node(1, '(idle)'),
      node(2, 'write'),
      node(3, 'scan', 'file:///home/me/tidegate/src/proxy/h1/fields.ts', 23),
    ]
    expect(selfTimes({ nodes, startTime: 0, samples: [1, 2, 3, 1], timeDeltas: [0, 500, 30, 10] }, whole)).toEqual([
      { name: 'write', percent: 75 },
      { name: 'scan src/proxy/h1/fields.ts:24', percent: 25 },
    ])
  })

  it('add up a function that was called from several places', () => {
    const nodes = [node(1, 'write'), node(2, 'write'), node(3, '')]
    expect(selfTimes({ nodes, startTime: 0, samples: [1, 2, 3, 3], timeDeltas: [0, 10, 20, 10] }, whole)).toEqual([
      { name: 'write', percent: 75 },
      { name: '(anonymous)', percent: 25 },
    ])
  })
  it('leave out what ran before and after the load', () => {
    const nodes = [node(1, 'compile'), node(2, 'write'), node(3, 'drain')]
    const profile = { nodes, startTime: 1000, samples: [1, 2, 3, 3], timeDeltas: [10, 100, 100, 100] }
    expect(selfTimes(profile, { fromMicros: 1100, toMicros: 1200 })).toEqual([{ name: 'write', percent: 100 }])
  })
})
