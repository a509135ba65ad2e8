import { setTimeout as delay } from 'node:timers/promises'

const lookMs = 20

/** Looks until `probe` is true. Throws when it never is. */
export async function until(what: string, probe: () => Promise<boolean> | boolean, deadlineMs = 30_000): Promise<void> {
  const giveUpMs = performance.now() + deadlineMs
  while (!(await probe())) {
    if (performance.now() > giveUpMs) throw new Error(`waited in vain for: ${what}`)
    await delay(lookMs)
  }
}
