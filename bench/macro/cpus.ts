import { readFileSync } from 'node:fs'

/** Which CPUs the two sides of a measurement run on, as taskset(1) takes them. */
export interface CpuPlan {
  /** One CPU, for whichever proxy is being measured. */
  readonly proxy: string
  /** Load generator, origin and the bench itself. */
  readonly rest: string
  readonly restCount: number
}

export function readCpuPlan(): CpuPlan {
  const found = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))
  if (found === null) throw new Error('/proc/self/status names no allowed CPUs')
  return planCpus(parseCpuList(found[1] as string))
}

/** The last CPU for the proxy: interrupts are mostly served by the first. */
export function planCpus(allowed: readonly number[]): CpuPlan {
  const proxy = allowed.at(-1)
  if (proxy === undefined) throw new Error('no CPU is allowed')
  if (allowed.length === 1) throw new Error('the bench needs two CPUs: one for the proxy, one for everything else')
  const rest = allowed.slice(0, -1)
  return { proxy: String(proxy), rest: rest.join(','), restCount: rest.length }
}

/** Reads the kernel's list format, such as `0-3,8`. */
export function parseCpuList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number)
    return Array.from({ length: (last as number) - (first as number) + 1 }, (_, i) => (first as number) + i)
  })
}
