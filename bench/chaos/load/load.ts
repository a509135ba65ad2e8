import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { FromLoad, LoadParameters, Samples } from './samples.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

/** Steady requests from a process of its own. */
export class Load {
  readonly #process: ChildProcess

  private constructor(child: ChildProcess) {
    this.#process = child
  }

  /** Resolves when it sends. */
  static async start(parameters: LoadParameters): Promise<Load> {
    const child = fork(main, [JSON.stringify(parameters)], { serialization: 'advanced', execArgv: [] })
    const load = new Load(child)
    await load.#message('sending')
    return load
  }

  /** No further request; resolves when each has its answer, or none within the time it had. */
  async stop(): Promise<Samples> {
    const done = this.#message('done')
    this.#process.send('stop')
    return (await done).samples
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  async #message<T extends FromLoad['type']>(type: T): Promise<Extract<FromLoad, { type: T }>> {
    const exit = once(this.#process, 'exit').then(() => {
      throw new Error(`the load ended without "${type}"`)
    })
    exit.catch(() => {})
    const [message] = (await Promise.race([once(this.#process, 'message'), exit])) as [FromLoad]
    if (message.type !== type) throw new Error(`the load says "${message.type}" instead of "${type}"`)
    return message as Extract<FromLoad, { type: T }>
  }
}
