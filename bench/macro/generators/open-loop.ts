import { fileURLToPath } from 'node:url'
import type { Generator } from './contract.ts'
import { runPinned } from './pinned.ts'

const script = fileURLToPath(new URL('./open-loop.lua', import.meta.url))

/**
 * GETs at a constant rate over all connections together. Times are from when a request was due, not from when it could be sent, so
 * that a slow answer counts for all that had to wait for it (no coordinated omission).
 */
export const openLoop: Generator = {
  commands: [['luajit', '-v']],
  async run({ url, load, seconds, rate, cpus, signal }) {
    if (rate === null) throw new Error('a constant rate needs a rate')
    if (load.requestBodyBytes > 0) throw new Error('a constant rate is for GETs only')
    const { hostname, port, pathname } = new URL(url)
    const own = [hostname, port, pathname, `${rate}`, `${load.connections}`, `${seconds}`, ...load.headers]
    return runPinned(['luajit', script, ...own], { cpus, signal })
  },
}
