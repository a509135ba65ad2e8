import type { Random } from '../../util/random.ts'
import type { Heard } from './response.ts'

// RFC 6762 section 5.2: at 80, 85, 90 and 95 % of its life, each plus up to 2 %.
const refreshShares = [0.8, 0.85, 0.9, 0.95] as const
const refreshJitterShare = 0.02
/** What RFC 6762 section 10 recommends, 75 minutes: a stranger is not believed for longer. */
const maxTtlMs = 75 * 60_000

/** A record that was heard, for as long as it holds. */
export class HeldRecord<Content> {
  content: Content
  readonly #random: Random
  #ttlMs = 0
  #heardAtMs = 0
  #expiresAtMs = 0
  #refreshes = 0
  #refreshAtMs = 0
  /** Of a goodbye; null when there is none to be taken back. */
  #goodbyeAtMs: number | null = null

  constructor(heard: Heard<Content>, nowMs: number, random: Random) {
    this.content = heard.content
    this.#random = random
    this.hear(heard, nowMs)
  }

  get heardAtMs(): number {
    return this.#heardAtMs
  }

  /** When something is to be done about it: asking for it again, or forgetting it. */
  get dueAtMs(): number {
    return Math.min(this.#refreshAtMs, this.#expiresAtMs)
  }

  /** A goodbye was said that was not taken back since. */
  get isLeaving(): boolean {
    return this.#goodbyeAtMs !== null
  }

  /** It was said again. */
  hear({ content, ttlMs }: Heard<Content>, nowMs: number): void {
    this.#goodbyeAtMs = null
    this.content = content
    this.#ttlMs = Math.min(ttlMs, maxTtlMs)
    this.#heardAtMs = nowMs
    this.#expiresAtMs = nowMs + this.#ttlMs
    this.#refreshes = 0
    this.#planRefresh()
  }

  /** It will hold no longer than until then, unless it is said again. */
  endBy(atMs: number): void {
    this.#expiresAtMs = Math.min(this.#expiresAtMs, atMs)
    if (this.#refreshAtMs >= this.#expiresAtMs) this.#refreshAtMs = Infinity
  }

  /** It holds for `graceMs` more, in which others may say that it goes on (RFC 6762 section 10.1). */
  hearGoodbye(nowMs: number, graceMs: number): void {
    this.#goodbyeAtMs ??= nowMs
    this.endBy(nowMs + graceMs)
  }

  /**
   * Whether what is heard now may have been said before the goodbye: answers come to another socket than goodbyes, and one that is
   * read late would have the instance back for as long as its records live.
   */
  mayBeLate(nowMs: number, graceMs: number): boolean {
    return this.#goodbyeAtMs !== null && nowMs < this.#goodbyeAtMs + graceMs / 2
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.#expiresAtMs
  }

  /** True once for each time that it is to be asked for again. */
  takeRefresh(nowMs: number): boolean {
    if (nowMs < this.#refreshAtMs) return false
    this.#refreshes += 1
    this.#planRefresh()
    return true
  }

  /** Seconds it holds on, for a query's list of known answers; null where it may not be in that list (RFC 6762 section 7.1). */
  knownForSeconds(nowMs: number): number | null {
    const leftMs = this.#expiresAtMs - nowMs
    return leftMs > this.#ttlMs / 2 ? Math.floor(leftMs / 1000) : null
  }

  #planRefresh(): void {
    const share = refreshShares[this.#refreshes]
    const jitter = this.#random() * refreshJitterShare
    this.#refreshAtMs = share === undefined ? Infinity : this.#heardAtMs + this.#ttlMs * (share + jitter)
  }
}
