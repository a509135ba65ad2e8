import { setTimeout as delay } from 'node:timers/promises'
import type { Fleet } from './fleet.ts'

const upMs = 2000
const downMs = 2500

/** Kills one instance after the other without a word to the registry, and lets each come back. */
export class Chaos {
  readonly #fleet: Fleet
  readonly #tell: (line: string) => void
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>

  constructor(fleet: Fleet, tell: (line: string) => void) {
    this.#fleet = fleet
    this.#tell = tell
    this.#running = this.#run()
  }

  /** Resolves when nothing is being killed or revived any more. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const ids = this.#fleet.ids.toSorted()
    for (let turn = 0; await this.#goesOn(upMs); turn++) {
      const id = ids[turn % ids.length] ?? ''
      this.#tell(`chaos: kill -9 ${id}`)
      await this.#fleet.kill(id)
      if (!(await this.#goesOn(downMs))) return
      try {
        await this.#fleet.revive(id.replace(/-\d+$/, ''), id)
        this.#tell(`chaos: ${id} is back`)
      } catch (error) {
        this.#tell(`chaos: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }

  /** Waits so long; false as soon as it is to stop. */
  #goesOn(ms: number): Promise<boolean> {
    return delay(ms, true, { signal: this.#stopping.signal }).catch(() => false)
  }
}
