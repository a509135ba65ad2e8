import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** Instances of the demo by service. */
export const demoServices = { 'user-service': 3, 'order-service': 2 } as const

/** The demo's services as processes, which can be killed and come back under the same id. */
export class Fleet {
  readonly #registry: string
  readonly #running = new Map<string, ChildProcess>()

  constructor(registry: string) {
    this.#registry = registry
  }

  get ids(): readonly string[] {
    return [...this.#running.keys()]
  }

  /** Resolves when every instance is registered. */
  async start(): Promise<void> {
    const starting = Object.entries(demoServices).flatMap(([service, instances]) =>
      Array.from({ length: instances }, (_, index) => this.revive(service, `${service}-${index + 1}`)),
    )
    await Promise.all(starting)
  }

  /** Starts an instance; resolves when it is registered. */
  async revive(service: string, id: string): Promise<void> {
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
    // Detached: Ctrl-C in a terminal goes to the whole process group, and it is for the demo to end its instances.
    const options = { detached: true }
    const child = fork(new URL(`./instance${extension}`, import.meta.url), [service, id, this.#registry], options)
    this.#running.set(id, child)
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve())
      child.once('exit', (code) => reject(new Error(`${id} ended with code ${code} before it was registered`)))
    })
  }

  /** As a crash: it neither drains nor deregisters. */
  async kill(id: string): Promise<void> {
    await this.#end(id, 'SIGKILL')
  }

  async stop(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.#end(id, 'SIGTERM')))
  }

  async #end(id: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#running.get(id)
    if (child === undefined) return
    this.#running.delete(id)
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
}
