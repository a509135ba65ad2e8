import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import {
  familyOf,
  parsePeakBytes,
  parseResidentBytes,
  parseStat,
  readMicrosPerTick,
  usageOf,
} from '../../../bench/macro/procfs.ts'

const counters = 'S 41 7 7 0 -1 4194560 900 0 3 0 120 30 4 1 20 0 1 0 81734 12034048 1500 18446744073709551615'

describe('a line of /proc/PID/stat', () => {
  it('gives user and system time apart, those of ended children included', () => {
    expect(parseStat(`57 (nginx) ${counters}`)).toEqual({ parentPid: 41, userTicks: 124, systemTicks: 31 })
  })

  it('is read right when the name of the program holds blanks and parentheses', () => {
    expect(parseStat(`57 (a) b (c 1 2) ${counters}`)).toEqual({ parentPid: 41, userTicks: 124, systemTicks: 31 })
  })
})

describe('resident memory', () => {
  const status = 'Name:\tnginx\nVmPeak:\t   99999 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1024 kB\n'

  it('is VmRSS, and its peak VmHWM, in bytes', () => {
    expect([parseResidentBytes(status), parsePeakBytes(status)]).toEqual([1_048_576, 2_097_152])
  })

  it('is 0 for a process that has ended and keeps no memory', () => {
    expect(parsePeakBytes('Name:\tnginx\nState:\tZ (zombie)\n')).toBe(0)
  })
})

describe('a process and its descendants', () => {
  it('are found and counted together', async () => {
    const shell = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const pid = shell.pid as number
    const [line] = (await once(shell.stdout, 'data')) as [Buffer]
    const sleeper = Number(line.toString())
    try {
      expect(familyOf(pid)).toEqual([pid, sleeper])
      const alone = usageOf(sleeper, readMicrosPerTick())
      expect(usageOf(pid, readMicrosPerTick()).peakBytes).toBeGreaterThan(alone.peakBytes)
    } finally {
      process.kill(sleeper)
      await once(shell, 'exit')
    }
    expect(() => usageOf(pid, 10_000)).toThrow('ENOENT')
  })
})
