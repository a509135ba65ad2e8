import type { Fleet } from './fleet.ts'

const everyMs = 4000
const downMs = 2500

/** Kills one instance after the other without a word to the registry, and lets each come back. */
export class Chaos {
  readonly #fleet: Fleet
  readonly #tell: (line: string) => void
  readonly #timer: NodeJS.Timeout
  #turn = 0
  #running: Promise<void> = Promise.resolve()
  #wake: (() => void) | null = null

  constructor(fleet: Fleet, tell: (line: string) => void) {
    this.#fleet = fleet
    this.#tell = tell
    this.#timer = setInterval(() => {
      this.#running = this.#strike()
    }, everyMs)
  }

  /** Resolves when nothing is being killed or revived any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#wake?.()
    await this.#running
  }

  async #strike(): Promise<void> {
    const ids = this.#fleet.ids.toSorted()
    const id = ids[this.#turn++ % ids.length]
    if (id === undefined) return
    this.#tell(`chaos: kill -9 ${id}`)
    await this.#fleet.kill(id)
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      setTimeout(resolve, downMs).unref()
    })
    await this.#fleet.revive(id.replace(/-\d+$/, ''), id)
    this.#tell(`chaos: ${id} is back`)
  }
}
