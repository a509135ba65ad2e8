import type { Cancel, ControlClock } from './control-clock.ts'

/** For one key, from the end of one save to the next. */
const restMs = 1000
/** A save is mostly waiting for the disk, in one of the four threads of libuv; look-ups of names need them as well. */
const maxAtOnce = 2
/** Of all keys together, after as many at once. */
const perSecond = 100
/** At the end nobody else is waiting: as many as keep the four threads at work. */
const maxAtOnceAtEnd = 8
/** Whoever asked for the end kills what takes long to come to it: what still waits then is saved without waiting for the disk. */
const patienceAtEndMs = 1000

interface Entry<Wanted> {
  /** What is still to be saved; `undefined` = nothing. */
  wanted: Wanted | undefined
  /** Done when the save under way is. */
  saving: Promise<void> | null
  restsUntilMs: number
}

export interface SaveQueueOptions<Wanted> {
  readonly clock: ControlClock
  /**
   * Must not throw.
   *
   * @param isSure it has to outlast a loss of power from then on
   * @returns false when it could not be done: it is tried again, with what is wanted by then
   */
  readonly save: (key: string, wanted: Wanted, isSure: boolean) => Promise<boolean>
}

/**
 * Saves what is wanted last of each key, so that ten thousand keys that change all the time cost the disk, and the thread, no more
 * than a hundred do: the longer the row, the more changes of a key become one save. Each comes to its turn.
 */
export class SaveQueue<Wanted> {
  readonly #clock: ControlClock
  readonly #save: SaveQueueOptions<Wanted>['save']
  /** Each is in the row, being saved, or resting. */
  readonly #entries = new Map<string, Entry<Wanted>>()
  readonly #row = new Set<string>()
  /** In the order in which their rests end. */
  readonly #resting = new Set<string>()
  #saving = 0
  #room = perSecond
  #roomAtMs: number
  #isFinishing = false
  #wakesAtMs = Infinity
  #cancel: Cancel | null = null

  constructor({ clock, save }: SaveQueueOptions<Wanted>) {
    this.#clock = clock
    this.#save = save
    this.#roomAtMs = clock.now()
  }

  /** Never saves within the call. Not after `finish`. */
  want(key: string, wanted: Wanted): void {
    if (this.#isFinishing) return
    const known = this.#entries.get(key)
    if (known !== undefined) {
      known.wanted = wanted
      return
    }
    this.#entries.set(key, { wanted, saving: null, restsUntilMs: 0 })
    this.#row.add(key)
    this.#wakeBy(this.#clock.now())
  }

  /** Saves at once what still waits, each once. */
  async finish(): Promise<void> {
    this.#isFinishing = true
    this.#cancel?.()
    const sureUntilMs = this.#clock.now() + patienceAtEndMs
    const left = this.#entries.entries()
    const lane = async () => {
      for (const [key, entry] of left) {
        await entry.saving
        await this.#saveNow(key, entry, this.#clock.now() < sureUntilMs)
      }
    }
    await Promise.all(Array.from({ length: maxAtOnceAtEnd }, lane))
  }

  #wakeBy(atMs: number): void {
    if (this.#isFinishing || atMs >= this.#wakesAtMs) return
    this.#cancel?.()
    this.#wakesAtMs = atMs
    this.#cancel = this.#clock.after(Math.max(0, atMs - this.#clock.now()), () => {
      this.#wakesAtMs = Infinity
      this.#goOn()
    })
  }

  #goOn(): void {
    const nowMs = this.#clock.now()
    this.#endRests(nowMs)
    this.#room = Math.min(perSecond, this.#room + ((nowMs - this.#roomAtMs) / 1000) * perSecond)
    this.#roomAtMs = nowMs
    for (const key of this.#row) {
      if (this.#saving >= maxAtOnce) return
      if (this.#room < 1) return this.#wakeBy(nowMs + Math.ceil(((1 - this.#room) / perSecond) * 1000))
      this.#room--
      this.#row.delete(key)
      const entry = this.#entries.get(key)
      if (entry !== undefined) void this.#take(key, entry)
    }
  }

  #endRests(nowMs: number): void {
    for (const key of this.#resting) {
      const entry = this.#entries.get(key)
      if (entry !== undefined && entry.restsUntilMs > nowMs) return this.#wakeBy(entry.restsUntilMs)
      this.#resting.delete(key)
      // Registries come up with ever new names where tags are routes.
      if (entry?.wanted === undefined) this.#entries.delete(key)
      else this.#row.add(key)
    }
  }

  async #take(key: string, entry: Entry<Wanted>): Promise<void> {
    this.#saving++
    entry.saving = this.#saveNow(key, entry, true)
    await entry.saving
    entry.saving = null
    this.#saving--
    entry.restsUntilMs = this.#clock.now() + restMs
    this.#resting.add(key)
    if (!this.#isFinishing) this.#goOn()
  }

  async #saveNow(key: string, entry: Entry<Wanted>, isSure: boolean): Promise<void> {
    const { wanted } = entry
    if (wanted === undefined) return
    entry.wanted = undefined
    const isDone = await this.#save(key, wanted, isSure)
    if (!isDone && entry.wanted === undefined) entry.wanted = wanted
  }
}
