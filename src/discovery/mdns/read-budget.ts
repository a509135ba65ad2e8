import { LRUCache } from 'lru-cache'

/** Of all together. A step takes about 0.13 µs: a twentieth of a thread's time. A message of one instance has some forty. */
const stepsPerMs = 400
/** Of one sender, so that a loud one leaves room for the others. */
const senderStepsPerMs = 100
/** What may come at once, as the steps of so long. */
const burstMs = 1000
const maxSenders = 256

/** How much is read of what the local network says: anybody there can send more than a thread can read. */
export class ReadBudget {
  /** Until when what was read is paid for, of all and of each sender. */
  #paidUntilMs = 0
  readonly #senders = new LRUCache<string, number>({ max: maxSenders })

  /** Whether so much was read lately that nothing more is, of that sender at least. */
  isSpent(sender: string, nowMs: number): boolean {
    return this.#paidUntilMs - nowMs > burstMs || (this.#senders.get(sender) ?? 0) - nowMs > burstMs
  }

  spend(sender: string, steps: number, nowMs: number): void {
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs) + steps / stepsPerMs
    const senderMs = Math.max(this.#senders.get(sender) ?? 0, nowMs)
    this.#senders.set(sender, senderMs + steps / senderStepsPerMs)
  }
}
