import { EventEmitter, once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { onTestFinished, vi } from 'vitest'
import { ThreadMeter } from '../../src/core/meter.ts'

type Counted = 'handshake' | 'connections' | 'failed'

/** What data threads of this process count from now on until the test ends. */
export interface Metered {
  /** Arguments of each call, oldest first. */
  readonly calls: readonly (readonly unknown[])[]
  /** Resolves at the call with these arguments, past or to come. */
  until(...args: readonly unknown[]): Promise<void>
}

export function metered(method: Counted): Metered {
  const calls: unknown[][] = []
  const events = new EventEmitter()
  const count = Object.getOwnPropertyDescriptor(ThreadMeter.prototype, method)?.value as (...args: unknown[]) => void
  if (vi.isMockFunction(count)) throw new Error(`${method} is watched already`)
  const spy = vi.spyOn(ThreadMeter.prototype, method).mockImplementation(function counting(
    this: unknown,
    ...args: unknown[]
  ) {
    count.apply(this, args)
    calls.push(args)
    events.emit('call')
  })
  onTestFinished(() => spy.mockRestore())
  return {
    calls,
    async until(...args) {
      while (!calls.some((call) => isDeepStrictEqual(call, args))) await once(events, 'call')
    },
  }
}
