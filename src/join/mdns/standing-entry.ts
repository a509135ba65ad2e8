import type { Standing } from '../registrar.ts'
import type { InstanceRecords } from './records.ts'

/** RFC 6762 section 8.3: at least two announcements, a second apart, then after twice as long each. */
const announcementGapsMs = [1000, 2000]
/** RFC 6762 section 6: what all have heard is not said again within a second. */
const sayGapMs = 1000

/** An instance that is announced, and what is planned to be said of it. */
export class StandingEntry {
  readonly records: InstanceRecords
  /** What somebody else on the network said of it since it was looked at. */
  standing: Standing = 'present'
  readonly #say: () => void
  #saidAtMs = -Infinity
  #planned: NodeJS.Timeout | null = null
  readonly #announcements: readonly NodeJS.Timeout[]

  /** @param say says all of it to the group */
  constructor(records: InstanceRecords, say: (entry: StandingEntry) => void) {
    this.records = records
    this.#say = () => {
      this.#saidAtMs = performance.now()
      say(this)
    }
    let afterMs = 0
    this.#announcements = announcementGapsMs.map((gapMs) => setTimeout(this.#say, (afterMs += gapMs)).unref())
  }

  /** How long nothing was said of it. */
  get silentMs(): number {
    return performance.now() - this.#saidAtMs
  }

  sayNow(): void {
    this.#say()
  }

  /** Says it once, however often it is asked for until then. */
  sayAfter(delayMs: number): void {
    if (this.#planned !== null) return
    const waitMs = Math.max(delayMs, sayGapMs - this.silentMs)
    this.#planned = setTimeout(() => {
      this.#planned = null
      this.#say()
    }, waitMs).unref()
  }

  end(): void {
    for (const timer of this.#announcements) clearTimeout(timer)
    if (this.#planned !== null) clearTimeout(this.#planned)
  }
}
