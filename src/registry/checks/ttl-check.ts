import type { CheckStatus } from '../model.ts'
import type { CheckRunner } from './definition.ts'

export interface TtlCheck extends CheckRunner {
  /** The service reported: its time starts anew. `output` is quoted should it run out. */
  renew(output: string): void
}

/** Reports critical when nothing renews it for `ttlMs`, once; a later renewal starts the time again. */
export function startTtlCheck(ttlMs: number, report: (status: CheckStatus, output: string) => void): TtlCheck {
  let lastOutput = ''
  const timer = setTimeout(() => {
    const quoted = lastOutput ? ` (last output before timeout follows): ${lastOutput}` : ''
    report('critical', `TTL expired${quoted}`)
  }, ttlMs)
  return {
    renew: (output) => {
      lastOutput = output
      timer.refresh()
    },
    stop: () => clearTimeout(timer),
  }
}
