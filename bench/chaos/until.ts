import { setTimeout as delay } from 'node:timers/promises'

const lookMs = 20

/** Longer than the longest ejection, five minutes and a tenth. */
const deadlineMs = 360_000

/** Looks until `probe` is true. Throws, saying `what` was wanted, when it never is. */
export async function until(what: string | (() => string), probe: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpMs = performance.now() + deadlineMs
  while (!(await probe())) {
    if (performance.now() > giveUpMs) throw new Error(`waited in vain for: ${typeof what === 'string' ? what : what()}`)
    await delay(lookMs)
  }
}
