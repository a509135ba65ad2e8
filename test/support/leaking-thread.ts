import { getHeapStatistics } from 'node:v8'
import { resourceLimits } from 'node:worker_threads'

/** A data thread as it is, but for this: when somebody posts to `leaking-thread` it fills most of its heap, and keeps it full. */
const channel = new BroadcastChannel('leaking-thread')
const kept: string[][] = []
const fullBytes = 0.92 * (resourceLimits.maxOldGenerationSizeMb ?? 0) * 1024 ** 2
const refillMs = 50

channel.addEventListener('message', () => {
  setInterval(() => {
    while (getHeapStatistics().used_heap_size < fullBytes) {
      kept.push(Array.from({ length: 1000 }, (_, i) => `${kept.length} ${i}`))
    }
  }, refillMs)
})
export const thread: unknown = await import('../../src/workers/thread.ts')
