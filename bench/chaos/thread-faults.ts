import { isMainThread, workerData } from 'node:worker_threads'
import { controlStillMs } from './in-front.ts'

/**
 * For `node --import` in front of the gateway: its first data thread throws at SIGURG, and stands still for good at SIGWINCH, both
 * signals that a process ignores by itself; the control plane stands still for a while at SIGPWR.
 */
const channel = new BroadcastChannel('thread-faults')
const column = 0

if (isMainThread) {
  process.on('SIGURG', () => channel.postMessage('throw'))
  process.on('SIGWINCH', () => channel.postMessage('stand still'))
  process.on('SIGPWR', () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, controlStillMs))
} else if ((workerData as { column?: number } | null)?.column === column) {
  channel.addEventListener('message', (event) => {
    if ((event as MessageEvent).data === 'throw') throw new Error('thrown because a fault asked for it')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
}
// It keeps neither the process nor a thread alive.
channel.unref()
