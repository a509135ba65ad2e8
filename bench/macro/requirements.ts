import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Case } from './cases.ts'
import type { Competitor } from './competitor.ts'
import { missingCommand } from './competitors/installed.ts'
import { generators } from './generators/index.ts'
import type { Absence } from './result.ts'

/** Commands without which these cases can't be measured; empty when all are there. */
export function missingCommands(measured: readonly Case[]): string[] {
  const needed = new Map<string, string>([
    ['nginx', '-v'],
    ['taskset', '-V'],
  ])
  for (const { load, tls } of measured) {
    for (const [command, flag] of generators[load.sending].commands) needed.set(command, flag)
    // Peaks are looked for first.
    if (load.sending === 'constant-rate') needed.set('wrk', '-v')
    if (tls !== null) needed.set('openssl', 'version')
  }
  return [...needed].filter(([command, flag]) => missingCommand(command, flag) !== null).map(([command]) => command)
}

/**
 * Installs the competitors of the npm registry unless they are there. Returns false, and leaves them out, where that does not
 * work: without a network, for one.
 */
export function installPackages(directory: string): boolean {
  if (existsSync(join(directory, 'node_modules'))) return true
  try {
    execFileSync('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund'], { cwd: directory, stdio: 'inherit' })
    return true
  } catch {
    return false
  }
}

export interface Choice {
  readonly present: readonly Competitor[]
  readonly absent: readonly Absence[]
}

/** Of the competitors asked for, those that can be measured here, and those that can't. */
export function choose(competitors: readonly Competitor[], names: readonly string[]): Choice {
  const wanted = competitors.filter(({ name }) => names.includes(name))
  const checked = wanted.map((competitor) => ({ competitor, reason: competitor.available() }))
  return {
    present: checked.filter(({ reason }) => reason === null).map(({ competitor }) => competitor),
    absent: checked.flatMap(({ competitor: { name }, reason }) =>
      reason === null ? [] : [{ competitor: name, reason }],
    ),
  }
}
