import { isMainThread } from 'node:worker_threads'
import { offsetsMs } from './in-front.ts'

/**
 * For `node --import` in front of the gateway: at each SIGUSR1 the wall clock of all its threads jumps to its next place.
 *
 * That is all of the clock that the gateway can see: timers and deadlines are libuv's, by the system's monotonic clock, and so is
 * `performance.now()`; neither moves when the clock is set. OpenSSL alone asks the system itself, for the dates of certificates and
 * the age of session tickets, and is not fooled by this.
 */
const channel = new BroadcastChannel('jumping-clock')
const TrueDate = Date
let offsetMs = 0

class JumpingDate extends TrueDate {
  constructor(...parts: readonly unknown[]) {
    super(...((parts.length === 0 ? [JumpingDate.now()] : parts) as [number]))
  }

  static override now(): number {
    return TrueDate.now() + offsetMs
  }
}

globalThis.Date = JumpingDate as DateConstructor

channel.addEventListener('message', (event) => {
  offsetMs = (event as MessageEvent).data as number
})
if (isMainThread) {
  let jumps = 0
  process.on('SIGUSR1', () => {
    offsetMs = offsetsMs[jumps++ % offsetsMs.length] as number
    channel.postMessage(offsetMs)
  })
}
// It keeps neither the process nor a thread alive.
channel.unref()
