import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

export interface ProcessStat {
  readonly parentPid: number
  /** Of all its threads, those that ended included, and of the children it has waited for. */
  readonly userTicks: number
  readonly systemTicks: number
}

/** Reads a line of /proc/PID/stat (proc_pid_stat(5)). */
export function parseStat(line: string): ProcessStat {
  // The second field is the program's name in parentheses: it may hold blanks and parentheses itself.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const field = (number: number) => Number(fields[number - 3])
  return { parentPid: field(4), userTicks: field(14) + field(16), systemTicks: field(15) + field(17) }
}

/** Reads the peak of the resident memory from /proc/PID/status; 0 for a process that has ended. */
export function parsePeakBytes(status: string): number {
  return parseKilobytes(status, 'VmHWM')
}

/** Reads the resident memory from /proc/PID/status; 0 for a process that has ended. */
export function parseResidentBytes(status: string): number {
  return parseKilobytes(status, 'VmRSS')
}

function parseKilobytes(status: string, name: string): number {
  const found = new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)
  return found === null ? 0 : Number(found[1]) * 1024
}

/** What a process and all its descendants have used so far. Memory that they share counts once for each. */
export interface Usage {
  readonly userMicros: number
  readonly systemMicros: number
  readonly residentBytes: number
  readonly peakBytes: number
}

/** Throws when the process is gone. */
export function usageOf(pid: number, microsPerTick: number): Usage {
  const sum = { userMicros: 0, systemMicros: 0, residentBytes: 0, peakBytes: 0 }
  for (const member of familyOf(pid)) {
    const { userTicks, systemTicks } = parseStat(readFileSync(`/proc/${member}/stat`, 'latin1'))
    const status = readFileSync(`/proc/${member}/status`, 'latin1')
    sum.userMicros += userTicks * microsPerTick
    sum.systemMicros += systemTicks * microsPerTick
    sum.residentBytes += parseResidentBytes(status)
    sum.peakBytes += parsePeakBytes(status)
  }
  return sum
}

/** The process and all its descendants, the process first. */
export function familyOf(pid: number): number[] {
  const childrenOf = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parentPid = parentOf(Number(name))
    if (parentPid === null) continue
    const siblings = childrenOf.get(parentPid) ?? []
    childrenOf.set(parentPid, [...siblings, Number(name)])
  }
  const family = [pid]
  // Grows while it is walked: breadth first.
  for (const member of family) family.push(...(childrenOf.get(member) ?? []))
  return family
}

/** Null when the process ended since it was listed. */
function parentOf(pid: number): number | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1')).parentPid
  } catch {
    return null
  }
}

/** From here on the peak of a process is counted anew (proc_pid_clear_refs(5)). */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** The kernel's unit of CPU time; 10 ms nearly everywhere. */
export function readMicrosPerTick(): number {
  return 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
}
