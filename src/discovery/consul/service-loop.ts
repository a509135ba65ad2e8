import type { Random } from '../../util/random.ts'
import { ChurnLimit } from '../churn-limit.ts'
import type { ConsulClient } from './client.ts'
import { pause } from '../pause.ts'
import { poll } from './poll.ts'
import type { Watcher } from './watcher.ts'

// About ten times what an answer costs, and what each of its rows costs, to take in.
const busyIntervalMs = 10
const busyMsPerRow = 0.2
const absentIntervalMs = 1000

/** Keeps one watcher up to date by a blocking query of its own, until the signal aborts. */
export async function followService(
  client: ConsulClient,
  watcher: Watcher,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  // The index of an absent service follows those of all others (https://github.com/hashicorp/consul/issues/3890): what wakes its
  // query is mostly not about it. All such queries wake together and come back apart.
  const absentMs = absentIntervalMs * (1 + random())
  const busy = new ChurnLimit()
  const absent = new ChurnLimit()
  try {
    for await (const reading of poll(client.service(watcher.service, watcher.filter), signal)) {
      const hasChanged = watcher.accept(reading)
      const isBusy = hasChanged || !watcher.isEmpty
      const busyMs = busyIntervalMs + busyMsPerRow * reading.body.length
      await pause(isBusy ? busy.takeMs(busyMs) : absent.takeMs(absentMs), signal)
    }
  } catch (error) {
    watcher.box.fail(error)
  }
}
