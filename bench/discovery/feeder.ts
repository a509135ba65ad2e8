import { setTimeout as after } from 'node:timers/promises'
import { type FeedTarget, openFeed } from './feed.ts'
import { serveTasks } from './side-process.ts'

/** Calls under way at once. */
const lanes = 16
/** Below what etcd takes in one transaction, 128. */
const perFill = 100

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
  /** Changes, each of another service, that one call makes where the registry can. */
  readonly perCall: number
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
      for (let first = next; first < services * perService; first = next) {
        const count = Math.min(perFill, services * perService - first)
        next += count
        const entries = Array.from({ length: count }, (_, i) => first + i).map((i) => ({
          service: nameOf(i % services),
          id: `filler-${i}`,
          port: 20_000 + (i % 10_000),
        }))
        await feed.put(...entries)
      }
    })
    feed.close()
  },

  /** @returns how many changes were made */
  async churn({ target, services, rate, perCall, seconds }: ChurnTask) {
    const feed = openFeed(target, lanes)
    const beganMs = performance.now()
    const endMs = beganMs + seconds * 1000
    let pairs = 0
    await inLanes(async () => {
      while (performance.now() < endMs) {
        const first = pairs
        pairs += perCall
        const restMs = beganMs + (first * 2000) / rate - performance.now()
        if (restMs > 0) await after(restMs)
        const entries = Array.from({ length: perCall }, (_, i) => {
          const pair = first + i
          return { service: nameOf((pair * 7919) % services), id: `extra-${pair}`, port: 30_000 + (pair % 10_000) }
        })
        await feed.put(...entries)
        await feed.remove(...entries)
      }
    })
    feed.close()
    return pairs * 2
  },
})

async function inLanes(task: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: lanes }, task))
}
