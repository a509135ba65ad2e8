import type { Random } from '../../util/random.ts'
import { ChurnLimit } from './churn-limit.ts'
import type { ConsulClient } from './client.ts'
import { pause } from './pause.ts'
import { poll } from './poll.ts'
import type { Watcher } from './watcher.ts'

const busyIntervalMs = 50
const absentIntervalMs = 1000

/** Keeps one watcher up to date by a blocking query of its own, until the signal aborts. */
export async function followService(
  client: ConsulClient,
  watcher: Watcher,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  const busy = new ChurnLimit(busyIntervalMs)
  // The index of an absent service follows those of all others (https://github.com/hashicorp/consul/issues/3890): what wakes its
  // query is mostly not about it. All such queries wake together and come back apart.
  const absent = new ChurnLimit(absentIntervalMs * (1 + random()))
  try {
    for await (const reading of poll(client.service(watcher.service), signal)) {
      const hasChanged = watcher.accept(reading)
      const limit = hasChanged || !watcher.isEmpty ? busy : absent
      await pause(limit.takeMs(), signal)
    }
  } catch (error) {
    watcher.box.fail(error)
  }
}
