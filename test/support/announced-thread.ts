import { workerData } from 'node:worker_threads'
import type { ThreadParameters } from '../../src/workers/thread.ts'

/** A throwing thread that posts its column to the channel `thread-started` once it takes messages. */
await import('./throwing-thread.ts')
const channel = new BroadcastChannel('thread-started')
channel.postMessage((workerData as ThreadParameters).column)
channel.close()
