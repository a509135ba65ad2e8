import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A part of a bench in a process of its own, which does one task at a time: nothing that it measures waits for another part's garbage collection. */
export class SideProcess {
  readonly #process: ChildProcess
  readonly #exit: Promise<never>

  /** @param file that calls `serveTasks` */
  constructor(file: URL) {
    this.#process = fork(fileURLToPath(file), [], { serialization: 'advanced', execArgv: [] })
    this.#exit = once(this.#process, 'exit').then(() => {
      throw new Error('a part of the bench ended before it')
    })
    this.#exit.catch(() => {})
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  async run<Result>(task: string, parameters: object): Promise<Result> {
    const answer = once(this.#process, 'message')
    this.#process.send({ task, parameters })
    const [result] = (await Promise.race([answer, this.#exit])) as [Result]
    return result
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}

/** In the side process: does what it is told, and sends back what comes of it. Ends with its parent. */
export function serveTasks(tasks: Readonly<Record<string, (parameters: never) => Promise<unknown>>>): void {
  process.on('message', (message: { task: string; parameters: never }) => {
    const { task, parameters } = message
    const run = tasks[task]
    if (run === undefined) throw new RangeError(`no task is called ${task}`)
    void run(parameters).then((result) => process.send?.(result ?? null))
  })
  process.on('disconnect', () => process.exit())
}
