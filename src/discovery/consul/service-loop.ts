import type { Random } from '../../util/random.ts'
import { ChurnLimit } from '../churn-limit.ts'
import type { ConsulClient, Reading } from './client.ts'
import type { ServiceRows } from './instances.ts'
import { pause } from '../pause.ts'
import { Poll } from './poll.ts'
import type { Watcher } from './watcher.ts'

// About ten times what an answer costs, and what each of its rows costs, to take in.
const busyIntervalMs = 10
const busyMsPerRow = 0.2
const absentIntervalMs = 1000
/** Keeps all absent services together near 300 reads per second however often something registers. */
const absentMsPerWatcher = 3

export interface LoopOptions {
  readonly random: Random
  /** The watchers of absent services, of all loops. */
  readonly absent: Set<Watcher>
  readonly signal: AbortSignal
}

/** Keeps one watcher up to date by a blocking query of its own, until the signal aborts. */
export async function followService(
  client: ConsulClient,
  watcher: Watcher,
  { random, absent: allAbsent, signal }: LoopOptions,
): Promise<void> {
  // The index of an absent service follows those of all others (https://github.com/hashicorp/consul/issues/3890): what wakes its
  // query is mostly not about it. All such queries wake together and come back apart.
  const spread = 1 + random()
  const busy = new ChurnLimit()
  const absent = new ChurnLimit()
  const poll = new Poll(client.service(watcher.service, watcher.filter), signal)
  const take = (reading: Reading<ServiceRows>) => ({ hasChanged: watcher.accept(reading), rows: reading.body.length })
  try {
    while (!signal.aborted) {
      const { hasChanged, rows } = await poll.next(take)
      const isBusy = hasChanged || !watcher.isEmpty
      const busyMs = busyIntervalMs + busyMsPerRow * rows
      if (watcher.isEmpty) allAbsent.add(watcher)
      else allAbsent.delete(watcher)
      const absentMs = Math.max(absentIntervalMs, allAbsent.size * absentMsPerWatcher) * spread
      await pause(isBusy ? busy.takeMs(busyMs) : absent.takeMs(absentMs), signal)
    }
  } catch (error) {
    if (!signal.aborted) watcher.box.fail(error)
  } finally {
    allAbsent.delete(watcher)
  }
}
