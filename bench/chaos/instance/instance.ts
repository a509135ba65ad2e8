import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Counts, FromInstance, InstanceParameters, Mood, ToInstance } from './message.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

/** One instance of the service as those see it who run it: a process that can be killed, stopped, replaced, and told to misbehave. */
export class Instance {
  readonly id: string
  readonly port: number
  readonly #parameters: InstanceParameters
  #process: ChildProcess | null = null
  /** Rejects when the process has ended. */
  #ended: Promise<never> = new Promise(() => {})

  constructor(parameters: InstanceParameters) {
    this.id = parameters.id
    this.port = parameters.port
    this.#parameters = parameters
  }

  /** Resolves when it listens, on the port it always has. */
  async start(): Promise<void> {
    // fork rather than a port for orders: it ends with us, whatever becomes of us.
    const running = fork(main, [JSON.stringify(this.#parameters)], { execArgv: [] })
    this.#process = running
    this.#ended = once(running, 'exit').then(() => {
      throw new Error(`instance ${this.id} ended`)
    })
    // Most of the time nobody waits for it.
    this.#ended.catch(() => {})
    await this.#reply('listening')
  }

  /** Resolves when it is so. */
  async become(mood: Mood): Promise<void> {
    this.#send({ type: 'be', mood })
    await this.#reply('became')
  }

  /** Since it was started. */
  async counts(): Promise<Counts> {
    this.#send({ type: 'count' })
    return this.#reply('counted')
  }

  /** Resolves when nothing came for `quietMs` and nothing is unanswered; gives up after `deadlineMs`, as a deployment does. */
  async drained(quietMs: number, deadlineMs = 10_000): Promise<void> {
    const giveUpMs = performance.now() + deadlineMs
    let quietSinceMs = performance.now()
    let { received } = await this.counts()
    while (performance.now() < giveUpMs) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      const now = await this.counts()
      if (now.received !== received || now.inFlight > 0) {
        quietSinceMs = performance.now()
        received = now.received
      } else if (performance.now() - quietSinceMs >= quietMs) return
    }
  }

  /** Graceful; resolves when it is gone. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** SIGKILL; resolves when it is gone. Killing twice is harmless. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** SIGSTOP: its connections stay, and the system accepts more in its name. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process
    this.#process = null
    if (running === null || running.exitCode !== null || running.signalCode !== null) return
    const exit = once(running, 'exit')
    running.kill(signal)
    await exit
  }

  #send(message: ToInstance): void {
    this.#process?.send(message)
  }

  async #reply<T extends FromInstance['type']>(type: T): Promise<Extract<FromInstance, { type: T }>> {
    const running = this.#process
    if (running === null) throw new Error(`instance ${this.id} does not run`)
    for (;;) {
      const [message] = (await Promise.race([once(running, 'message'), this.#ended])) as [FromInstance]
      if (message.type === type) return message as Extract<FromInstance, { type: T }>
    }
  }
}
