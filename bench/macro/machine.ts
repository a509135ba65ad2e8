import { cpus, loadavg, release, totalmem } from 'node:os'
import { commandVersion } from './competitors/installed.ts'
import { planCpus } from './cpus.ts'

/** Where figures were taken: without it they mean nothing. */
export interface Machine {
  readonly cpuModel: string
  readonly cpuCount: number
  readonly memoryBytes: number
  readonly kernel: string
  readonly node: string
  readonly origin: string
  readonly loadGenerator: string
  readonly proxyCpus: string
  readonly otherCpus: string
  /** Of the last minute before the bench: how busy others kept it. */
  readonly loadAverageBefore: number
}

/** Load average up to which nobody else seems to use a machine. */
const quietLoad = 0.3

export function isQuiet({ loadAverageBefore }: Machine): boolean {
  return loadAverageBefore <= quietLoad
}

/** Called before the bench puts load on the machine itself. */
export function describeMachine(allowed: readonly number[]): Machine {
  const plan = planCpus(allowed)
  return {
    cpuModel: cpus()[0]?.model ?? 'unknown',
    cpuCount: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.versions.node,
    origin: `nginx ${commandVersion('nginx', '-v')}`,
    loadGenerator: `wrk ${commandVersion('wrk', '-v')}`,
    proxyCpus: plan.proxy,
    otherCpus: plan.rest,
    loadAverageBefore: loadavg()[0] as number,
  }
}
