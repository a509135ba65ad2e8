import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { setMaintenance } from '../../../test/support/registration.ts'
import { type Fault, fault, type Outcome } from '../fault.ts'
import { allOf, missed, noneEjected, noneFailed } from '../judge.ts'
import { systemMs } from '../load/samples.ts'
import { until } from '../until.ts'
import type { World } from '../world.ts'

/** What a reader behind takes to fill: the pipe, then each thread's backlog of a mebibyte. */
const fillingConnections = 64
const leastPeakPercent = 80
const writeIntervalMs = 1000

export const unreadLog: Fault = fault({
  name: 'unread-log',
  does: 'nobody reads the log any more: the pipe is full, then what waits for it',
  holds: '0 failed; lines are dropped and counted, and come again when somebody reads',
  setting: { latencyMs: 5, pipesLog: true },
  async strike({ world, seconds, peakPerSecond, blow, addLoad }) {
    const { admin } = world
    if (admin === null) return {}
    const dropped = () => admin.metric('tidegate_log_dropped_total')
    const before = await dropped()
    blow()
    world.readLog(false)
    await addLoad({ connections: fillingConnections, ratePerSecond: null })
    await until('lines that are dropped', async () => (await dropped()) > before)
    const requests = await admin.metric('tidegate_requests_total')
    const sinceMs = systemMs()
    await delay(seconds * 1000)
    const answeredMeanwhile = (await admin.metric('tidegate_requests_total')) - requests
    const perSecond = (answeredMeanwhile * 1000) / (systemMs() - sinceMs)
    const droppedLines = (await dropped()) - before
    const lines = world.logged('request').length
    world.readLog(true)
    await until('lines that come again', () => world.logged('request').length > lines)
    // Of a peak that was found while the log was read; where nobody looked for it there is no such figure.
    const share = Number.isNaN(peakPerSecond) ? {} : { peakPercent: Math.round((100 * perSecond) / peakPerSecond) }
    return { answeredMeanwhile, droppedLines, ...share }
  },
  judge: allOf(noneFailed, noneEjected, ({ added, facts: { answeredMeanwhile = 0, peakPercent = 100 } }) => [
    ...missed(answeredMeanwhile === 0, 'nothing was answered while lines were dropped'),
    ...missed(peakPercent < leastPeakPercent, `${peakPercent} % of the peak`),
    ...missed(
      added.some(({ kind }) => kind.some((each) => each !== 0)),
      'requests beside the steady ones failed',
    ),
  ]),
})

export const unwritableState: Fault = fault({
  name: 'unwritable-state',
  does: 'the directory of the state takes no files any more, while the registry changes',
  holds: '0 failed; told in the log once; written again once it can be',
  pace: { seconds: 10, times: 1 },
  async strike({ world, seconds, blow }) {
    const { consul, instances } = world
    if (consul === null) return {}
    const { directory, files } = stateOf(world)
    await until(
      'a state file of now',
      () => files().length > 0 && !files().some((text) => text.includes('maintenance')),
    )
    const aside = `${directory}.aside`
    const told = () =>
      world.logged('control plane').filter(({ problem }) => problem?.includes("can't be written")).length
    const before = told()
    blow()
    renameSync(directory, aside)
    writeFileSync(directory, '')
    await setMaintenance(consul.api, instances[0], true)
    await world.eligible(instances.length - 1)
    await until('a failed write in the log', () => told() > before)
    await delay(Math.max(seconds * 1000, 2 * writeIntervalMs))
    const timesTold = told() - before
    rmSync(directory)
    renameSync(aside, directory)
    await until('the state as it is now', () => files().some((text) => text.includes('maintenance')))
    await setMaintenance(consul.api, instances[0], false)
    await world.eligible(instances.length)
    return { timesTold }
  },
  judge: allOf(noneFailed, noneEjected, ({ facts: { timesTold = 0 } }: Outcome) =>
    missed(timesTold !== 1, `told ${timesTold} times`),
  ),
})

function stateOf({ setting }: World) {
  const directory = join(setting.directory, 'state')
  const names = () => readdirSync(directory).filter((name) => name.endsWith('.json'))
  return { directory, files: () => names().map((name) => readFileSync(join(directory, name), 'utf8')) }
}
