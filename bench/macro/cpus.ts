import { readFileSync } from 'node:fs'

/** Which CPUs the two sides of a measurement run on, as taskset(1) takes them. */
export interface CpuPlan {
  /** For whichever proxy is being measured. */
  readonly proxy: string
  /** Load generator, origin and the bench itself. */
  readonly rest: string
  readonly restCount: number
}

/** The CPUs that this process may use. */
export function readAllowedCpus(): number[] {
  const found = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))
  if (found === null) throw new Error('/proc/self/status names no allowed CPUs')
  return parseCpuList(found[1] as string)
}

/** The last CPU for the proxy: interrupts are mostly served by the first. */
export function planCpus(allowed: readonly number[]): CpuPlan {
  if (allowed.length === 0) throw new Error('no CPU is allowed')
  if (allowed.length === 1) throw new Error('the bench needs two CPUs: one for the proxy, one for everything else')
  return plan(allowed.slice(-1), allowed.slice(0, -1))
}

/**
 * For comparing two threads with one. With four CPUs or more, a proxy has the last one or the last two to itself, and all but those two
 * serve the rest. With fewer there is none left for the rest beside two threads: the whole system then has one CPU or two, so
 * that everything in it doubles, not the proxy alone.
 */
export function planThreads(allowed: readonly number[], threads: 1 | 2): CpuPlan {
  if (allowed.length < 2) throw new Error('two threads need two CPUs')
  const proxy = allowed.slice(-threads)
  return plan(proxy, allowed.length >= 4 ? allowed.slice(0, -2) : proxy)
}

function plan(proxy: readonly number[], rest: readonly number[]): CpuPlan {
  return { proxy: proxy.join(','), rest: rest.join(','), restCount: rest.length }
}

/** Reads the kernel's list format, such as `0-3,8`. */
export function parseCpuList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number)
    return Array.from({ length: (last as number) - (first as number) + 1 }, (_, i) => (first as number) + i)
  })
}
