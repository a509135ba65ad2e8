/**
 * Preloaded into a gateway, in each of its threads: SIGWINCH collects garbage in all of them, and has each write what is left as a line
 * of JSON to standard error. Needs `--expose-gc`.
 */
import { writeSync } from 'node:fs'
import { BroadcastChannel, isMainThread } from 'node:worker_threads'

const channel = new BroadcastChannel('collect-memory')
channel.unref()
channel.addEventListener('message', report)
if (isMainThread) {
  process.on('SIGWINCH', () => {
    channel.postMessage(null)
    report()
  })
}

function report() {
  // What finalizers of the first collection let go, the second one collects.
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  writeSync(2, `memory ${JSON.stringify({ thread: isMainThread ? 'control' : 'data', heapUsed, external })}\n`)
}
