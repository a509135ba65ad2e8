import { setTimeout as pause } from 'node:timers/promises'
import { fingerprintNow } from '../../util/file-version.ts'
import { FileWatch } from '../../util/watch-files.ts'
import { DiscoveryError } from '../contract.ts'
import type { InstanceFile, ReadInstanceFile } from './instance-file.ts'

/** One that is never left alone is taken as it is. */
const maxAttempts = 10

/** One reading of the file; a later one is another value. */
export type Reading = { readonly file: InstanceFile } | { readonly error: DiscoveryError }

/** The file while somebody watches it: read at the start, and again whenever it changed, one reading at a time. */
export class WatchedFile {
  readonly #path: string
  readonly #read: ReadInstanceFile
  readonly #onReading: (reading: Reading) => void
  readonly #watch: FileWatch
  readonly #settleMs: number
  #reading: Reading | null = null
  #isReading = false
  #again = false
  #isClosed = false

  constructor(parts: {
    readonly path: string
    readonly read: ReadInstanceFile
    readonly settleMs: number
    readonly onReading: (reading: Reading) => void
  }) {
    this.#path = parts.path
    this.#read = parts.read
    this.#onReading = parts.onReading
    const { settleMs } = parts
    this.#settleMs = settleMs
    this.#watch = new FileWatch({
      settleMs,
      maxSettleMs: settleMs * maxAttempts,
      tellsMissing: true,
      onChange: () => this.readAgain(),
    })
    // Before the first reading: what changes while it is read is a change.
    this.#watch.follow([{ path: this.#path, fingerprint: fingerprintNow(this.#path) }])
    this.readAgain()
  }

  /** The last one; null before the first has ended. */
  get reading(): Reading | null {
    return this.#reading
  }

  /** Without waiting for a change: somebody comes who was not told of what was wrong. */
  readAgain(): void {
    this.#again = true
    if (!this.#isReading) void this.#readWhileAsked()
  }

  close(): void {
    this.#isClosed = true
    this.#watch.close()
  }

  async #readWhileAsked(): Promise<void> {
    this.#isReading = true
    while (this.#again && !this.#isClosed) {
      this.#again = false
      const reading = await this.#readWhole()
      if (this.#isClosed) return
      // The same failure again is the same reading, which those who know of it are not told twice.
      if (!isSameFailure(reading, this.#reading)) this.#reading = reading
      if (this.#reading !== null) this.#onReading(this.#reading)
    }
    this.#isReading = false
  }

  /** What is written while it is read may look whole and be a part: the rest of a list would be gone. */
  async #readWhole(): Promise<Reading> {
    for (let attempt = 1; ; attempt++) {
      const before = fingerprintNow(this.#path)
      const reading = await this.#attempt()
      const isWhole = before === fingerprintNow(this.#path)
      if (isWhole || attempt === maxAttempts || this.#isClosed) return reading
      await pause(this.#settleMs, undefined, { ref: false })
    }
  }

  async #attempt(): Promise<Reading> {
    try {
      return { file: await this.#read(this.#path) }
    } catch (error) {
      const code = fingerprintNow(this.#path) === null ? 'unreachable' : 'unreadable'
      const message = error instanceof Error ? error.message : String(error)
      return { error: new DiscoveryError(code, message, { cause: error }) }
    }
  }
}

function isSameFailure(one: Reading, other: Reading | null): boolean {
  if (other === null || !('error' in one) || !('error' in other)) return false
  return one.error.code === other.error.code && one.error.message === other.error.message
}
