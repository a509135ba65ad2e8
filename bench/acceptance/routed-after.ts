import { setTimeout as after } from 'node:timers/promises'
import type { Instance } from '../../test/support/instance.ts'

/** No request for that long: there will be none. */
const quietMs = 250

/** From `sinceMs` to the first request the instance gets after it; resolves a moment later. */
export async function routedAfter(instance: Instance, sinceMs: number): Promise<number> {
  // What came between the change and here is not lost: the latest request tells.
  while (instance.latestMs < sinceMs || instance.latestMs === -Infinity) await instance.received(instance.requests + 1)
  const afterMs = Math.max(0, instance.latestMs - sinceMs)
  // The next change is to find the gateway at rest: one within 100 ms of another is gathered with what follows.
  await after(quietMs)
  return afterMs
}

/** From `sinceMs` to the last request the instance gets. */
export async function goneAfter(instance: Instance, sinceMs: number): Promise<number> {
  do await after(quietMs)
  while (performance.now() - instance.latestMs < quietMs)
  return Math.max(0, instance.latestMs - sinceMs)
}
