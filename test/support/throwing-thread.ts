import { workerData } from 'node:worker_threads'
import type { ThreadParameters } from '../../src/workers/thread.ts'

const { column } = workerData as ThreadParameters

/** A data thread as it is, but for this: it throws when somebody posts its column to the channel `throw-in-thread`. */
const channel = new BroadcastChannel('throw-in-thread')
channel.addEventListener('message', (event) => {
  if ((event as MessageEvent).data === column) throw new Error('thrown because a test asked for it')
})
await import('../../src/workers/thread.ts')
