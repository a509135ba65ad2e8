import { setTimeout as delay } from 'node:timers/promises'
import { type Fault, fault, type Strike } from '../fault.ts'
import { allOf, failedOnlyAs, noneFailed, noneLost } from '../judge.ts'

const common = { pace: { seconds: 30, times: 10 }, isCommon: true } as const

export const killedGet: Fault = fault({
  ...common,
  name: 'killed-get',
  does: 'one instance killed -9, restarted between; GET',
  holds: '0 failed',
  strike: killAgainAndAgain,
  judge: noneFailed,
})

export const killedPost: Fault = fault({
  ...common,
  name: 'killed-post',
  does: 'the same with POST',
  holds: 'only those whose bytes had been sent, each answered 502, none hung, none sent twice',
  methods: ['POST'],
  strike: killAgainAndAgain,
  judge: (outcome) =>
    // Tidegate says of a 502 whether anything was sent.
    allOf(failedOnlyAs(outcome.edge === 'tidegate' ? '502 reset-before-head' : '502'), noneLost)(outcome),
})

async function killAgainAndAgain({ world, seconds, times, blow }: Strike) {
  const [victim] = world.instances
  const halfMs = (seconds * 1000) / times / 2
  let slowestBackMs = 0
  for (let i = 0; i < times; i++) {
    blow()
    await victim.kill()
    await delay(halfMs)
    await victim.start()
    const startedMs = performance.now()
    // A proxy that has not come back to it loses nothing when it dies again.
    await world.serves(victim)
    slowestBackMs = Math.max(slowestBackMs, performance.now() - startedMs)
    await delay(halfMs)
  }
  return { slowestBackMs: Math.round(slowestBackMs) }
}
