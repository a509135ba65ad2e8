import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Besides connections: what a process has open anyway, generously. */
const spare = 500

/**
 * Sees that this process, and those it starts, may have so many connections open, and raises the limit where that is allowed. Node has
 * raised the soft limit to the hard one already. Throws when it stays too low.
 */
export function allowConnections(count: number): void {
  const needed = count + spare
  if (maxOpenFiles() >= needed) return
  spawnSync('prlimit', [`--pid=${process.pid}`, `--nofile=${needed}:${needed}`])
  const allowed = maxOpenFiles()
  if (allowed < needed) {
    throw new Error(
      `${count} connections need ${needed} open files, and ${allowed} are allowed: raise the hard limit (ulimit -Hn), or ask for fewer`,
    )
  }
}

function maxOpenFiles(): number {
  const found = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1'))
  return found?.[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(found?.[1] ?? 0)
}
