/** A data thread as it is, but for this: its event loop stands still for good when somebody posts to `stuck-thread`. */
const channel = new BroadcastChannel('stuck-thread')
channel.addEventListener('message', () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})
export const thread: unknown = await import('../../src/workers/thread.ts')
