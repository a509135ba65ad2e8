import { spawnSync } from 'node:child_process'

/** Null when the command runs, else how to get it. */
export function missingCommand(command: string, versionFlag: string): string | null {
  return spawnSync(command, [versionFlag]).error === undefined ? null : 'not installed: run bench/setup.sh'
}

/** The first thing in what the command says that looks like a version. */
export function commandVersion(command: string, versionFlag: string): string {
  const { stdout, stderr } = spawnSync(command, [versionFlag], { encoding: 'utf8' })
  return /\d+\.\d+(?:\.\d+)?/.exec(stdout + stderr)?.[0] ?? 'unknown'
}
