import { workerData } from 'node:worker_threads'
import type { ThreadParameters } from '../../src/workers/thread.ts'

const { column } = workerData as ThreadParameters

/** A data thread as it is, but for this: its event loop stands still for good when somebody posts its column to `stuck-thread`. */
const channel = new BroadcastChannel('stuck-thread')
channel.addEventListener('message', (event) => {
  if ((event as MessageEvent).data === column) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})
export const thread: unknown = await import('../../src/workers/thread.ts')
