import { setTimeout as after } from 'node:timers/promises'
import { type FeedTarget, openFeed } from './feed.ts'
import { serveTasks } from './side-process.ts'

/** Calls under way at once. */
const lanes = 16

export interface FillTask {
  readonly target: FeedTarget
  readonly services: number
  readonly perService: number
}

export interface ChurnTask {
  readonly target: FeedTarget
  readonly services: number
  /** Changes per second: half of them add an instance, half take it away again. */
  readonly rate: number
  readonly seconds: number
}

/** `service-0` and so on. */
export function nameOf(service: number): string {
  return `service-${service}`
}

serveTasks({
  async fill({ target, services, perService }: FillTask) {
    const feed = openFeed(target, lanes)
    let next = 0
    await inLanes(async () => {
      for (let i = next++; i < services * perService; i = next++) {
        await feed.put(nameOf(i % services), `filler-${i}`, 20_000 + (i % 10_000))
      }
    })
    feed.close()
  },

  /** @returns how many changes were made */
  async churn({ target, services, rate, seconds }: ChurnTask) {
    const feed = openFeed(target, lanes)
    const beganMs = performance.now()
    const endMs = beganMs + seconds * 1000
    let pairs = 0
    await inLanes(async () => {
      while (performance.now() < endMs) {
        const pair = pairs++
        const dueMs = beganMs + (pair * 2000) / rate
        if (dueMs > performance.now()) await after(dueMs - performance.now())
        const service = nameOf((pair * 7919) % services)
        await feed.put(service, `extra-${pair}`, 30_000 + (pair % 10_000))
        await feed.remove(service, `extra-${pair}`)
      }
    })
    feed.close()
    return pairs * 2
  },
})

async function inLanes(task: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: lanes }, task))
}
