import { RawClient } from './raw-client.ts'

export interface RawTrafficResult {
  readonly requests: number
  /** One entry per request without its own whole answer, saying what came instead. */
  readonly failed: readonly string[]
}

/**
 * GETs without end over bare sockets, a few at a time, each answered with its own id or failed: nothing is sent twice. A connection is kept
 * until its answer says `connection: close`, or made for each request.
 */
export class RawTraffic {
  readonly #port: number
  readonly #isKept: boolean
  readonly #loops: readonly Promise<void>[]
  readonly #failed: string[] = []
  readonly latenciesMs: number[] = []
  #requests = 0
  #answered = Promise.withResolvers<void>()
  #isStopping = false

  constructor(port: number, loops: number, { keepAlive = true } = {}) {
    this.#port = port
    this.#isKept = keepAlive
    this.#loops = Array.from({ length: loops }, (_, loop) => this.#run(loop))
  }

  /** Resolves when that many more requests were answered, or failed. */
  async more(count: number): Promise<void> {
    const wanted = this.#requests + count
    while (this.#requests < wanted) await this.#answered.promise
  }

  async stop(): Promise<RawTrafficResult> {
    this.#isStopping = true
    await Promise.all(this.#loops)
    return { requests: this.#requests, failed: this.#failed }
  }

  async #run(loop: number): Promise<void> {
    let client: RawClient | null = null
    for (let turn = 0; !this.#isStopping; turn++) {
      const id = `/${loop}-${turn}`
      const startedMs = performance.now()
      try {
        client ??= await RawClient.connect(this.#port)
        client.send(`GET ${id} HTTP/1.1\r\nhost: a\r\n${this.#isKept ? '' : 'connection: close\r\n'}\r\n`)
        const { status, body, raw } = await client.response()
        if (status !== 200 || !body.endsWith(` ${id}`)) this.#failed.push(`${id}: ${status} ${body}`)
        if (!this.#isKept || /^connection: close\r$/im.test(raw)) client = letGo(client)
      } catch (error) {
        this.#failed.push(`${id}: ${String(error)}`)
        client = letGo(client)
      }
      this.latenciesMs.push(performance.now() - startedMs)
      this.#requests++
      this.#answered.resolve()
      this.#answered = Promise.withResolvers()
    }
    letGo(client)
  }
}

function letGo(client: RawClient | null): null {
  client?.destroy()
  return null
}
