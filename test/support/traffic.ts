import { HttpClient } from './http-client.ts'

export interface TrafficResult {
  readonly requests: number
  /** One entry per request that was not answered with 200, saying what came instead. */
  readonly failed: readonly string[]
  /** Sent again because a kept connection had just been closed. */
  readonly resent: number
}

/** Requests without end over a few connections at a time, kept unless told, each sent when the one before is answered. */
export class Traffic {
  readonly #client: HttpClient
  readonly #path: string
  readonly #loops: readonly Promise<void>[]
  readonly #failed: string[] = []
  #requests = 0
  #answered = Promise.withResolvers<void>()
  #isStopping = false

  constructor(port: number, path: string, connections: number, { keepAlive = true } = {}) {
    this.#client = new HttpClient(port, { connections, keepAlive })
    this.#path = path
    this.#loops = Array.from({ length: connections }, () => this.#run())
  }

  /** Resolves when that many more requests were answered. */
  async more(count: number): Promise<void> {
    const wanted = this.#requests + count
    while (this.#requests < wanted) await this.#answered.promise
  }

  async stop(): Promise<TrafficResult> {
    this.#isStopping = true
    await Promise.all(this.#loops)
    this.#client.close()
    return { requests: this.#requests, failed: this.#failed, resent: this.#client.resent }
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      try {
        const { status, body } = await this.#client.get(this.#path)
        if (status !== 200) this.#failed.push(`${status} ${body}`)
      } catch (error) {
        this.#failed.push(String(error))
      }
      this.#requests++
      this.#answered.resolve()
      this.#answered = Promise.withResolvers()
    }
  }
}
