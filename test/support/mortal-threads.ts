import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads'

// Loaded before the gateway by `node --import`, in its data threads too: at SIGWINCH the thread in column 0 throws.
const channel = new BroadcastChannel('mortal-threads')
channel.unref()
if (isMainThread) process.on('SIGWINCH', () => channel.postMessage(null))
else if ((workerData as { column?: number } | null)?.column === 0) {
  channel.addEventListener('message', () => {
    throw new Error('thrown because a test asked for it')
  })
}
