import type { Config } from './config.ts'

/** Keys that are read at the start only and that differ now. */
export function keptUntilRestart(before: Config, after: Config): string[] {
  const read: Record<string, (config: Config) => unknown> = {
    admin: ({ admin }) => admin,
    workers: ({ workers }) => workers,
    stateDir: ({ stateDir }) => stateDir,
    readyTimeout: ({ readyTimeoutMs }) => readyTimeoutMs,
    'log.level': ({ log }) => log.level,
  }
  return Object.keys(read).filter((key) => JSON.stringify(read[key]?.(before)) !== JSON.stringify(read[key]?.(after)))
}
