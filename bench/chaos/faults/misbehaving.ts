import { setTimeout as delay } from 'node:timers/promises'
import { parseResidentBytes } from '../../macro/procfs.ts'
import { readFileSync } from 'node:fs'
import { type Fault, fault, type Outcome, type Strike } from '../fault.ts'
import type { Mood } from '../instance/message.ts'
import { allOf, failedOnlyAs, missed, noneAfterEjection, noneFailed, noneLost } from '../judge.ts'
import { service } from '../world.ts'

interface Misbehaviour {
  readonly mood: Mood
  readonly does: string
  readonly holds: string
  readonly judge: (outcome: Outcome) => readonly string[]
  /** What it does is no failure that anybody could see. */
  readonly isUnseen?: true
}

const mebibyte = 1024 ** 2
const mostGrowthBytes = 100 * mebibyte

const misbehaviours: readonly Misbehaviour[] = [
  {
    mood: 'reset-mid-head',
    does: 'one instance resets in the middle of a head',
    holds: '502 until it is ejected, then 0',
    judge: allOf(failedOnlyAs('502'), noneAfterEjection),
  },
  {
    mood: 'reset-mid-body',
    does: 'one instance resets in the middle of a body',
    holds: 'cut visibly, never complete, until it is ejected, then 0',
    judge: allOf(failedOnlyAs('cut'), noneAfterEjection),
  },
  {
    mood: 'garbage',
    does: 'one instance answers with garbage',
    holds: '502 until it is ejected, then 0',
    judge: allOf(failedOnlyAs('502'), noneAfterEjection),
  },
  {
    mood: 'endless-head',
    does: 'one instance sends a head without end',
    holds: '502 until it is ejected, then 0; memory bounded',
    judge: allOf(failedOnlyAs('502'), noneAfterEjection, memoryBounded),
  },
  {
    mood: 'length-too-long',
    does: 'one instance promises more bytes than it sends',
    holds: 'cut visibly, never complete, until it is ejected, then 0',
    judge: allOf(failedOnlyAs('cut'), noneAfterEjection),
  },
  {
    mood: 'length-too-short',
    does: 'one instance sends more bytes than it promises',
    holds: 'the surplus reaches nobody',
    // The promised part is an answer as good as any: nothing to be noticed.
    judge: allOf(failedOnlyAs('part of its answer'), noneLost),
    isUnseen: true,
  },
  {
    mood: 'refusing',
    does: 'one instance refuses connections',
    holds: '0 failed',
    judge: noneFailed,
  },
]

export const misbehaving: readonly Fault[] = misbehaviours.map(({ mood, does, holds, judge, isUnseen = false }) =>
  fault({ name: mood, does, holds, strike: (strike) => misbehave(strike, mood, !isUnseen), judge }),
)

/** The slow one is judged by its share: round-robin gives it a third whatever it does. */
export const slow: Fault = fault({
  name: 'slow',
  does: 'one instance 10 × slower; least-request',
  holds: '0 failed; its share under a third of a fair one',
  setting: { latencyMs: 10, serviceKeys: { balancer: 'least-request' } },
  async strike(strike) {
    const { admin } = strike.world
    if (admin === null) return {}
    const before = await admin.services(service)
    const facts = await misbehave(strike, 'slow', false)
    const after = await admin.services(service)
    const counts = after.endpoints.map(({ id, requests }) => ({
      id,
      count: requests - (before.endpoints.find((endpoint) => endpoint.id === id)?.requests ?? 0),
    }))
    const all = counts.reduce((sum, { count }) => sum + count, 0)
    const own = counts.find(({ id }) => id.includes(strike.world.instances[0].id))?.count ?? 0
    return { ...facts, sharePercent: Math.round((1000 * own) / all) / 10 }
  },
  judge: allOf(noneFailed, ({ facts: { sharePercent = 100 } }) =>
    missed(sharePercent > 100 / 9, `it got ${sharePercent} % of the requests`),
  ),
})

/** @param isEjected it lasts at least until that has happened */
async function misbehave({ world, seconds, blow }: Strike, mood: Mood, isEjected: boolean) {
  const [victim] = world.instances
  const beforeBytes = residentBytes(world.pid)
  blow()
  await victim.become(mood)
  await Promise.all([delay(seconds * 1000), isEjected ? world.ejected() : null])
  const grownMebibytes = Math.round((residentBytes(world.pid) - beforeBytes) / mebibyte)
  await victim.become('ok')
  return { grownMebibytes }
}

function memoryBounded({ facts: { grownMebibytes = 0 } }: Outcome): readonly string[] {
  return missed(grownMebibytes * mebibyte > mostGrowthBytes, `the gateway grew by ${grownMebibytes} MiB`)
}

function residentBytes(pid: number): number {
  return parseResidentBytes(readFileSync(`/proc/${pid}/status`, 'latin1'))
}
