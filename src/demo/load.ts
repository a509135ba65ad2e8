import { Agent, get } from 'node:http'

/** One answer, as the demo counts it. */
export interface Reply {
  /** 0 when there was no answer. */
  readonly status: number
  readonly body: string
}

/** Keeps connections, as clients do. */
export function createClient(edge: string): { fetch: (path: string) => Promise<Reply>; close: () => void } {
  const agent = new Agent({ keepAlive: true })
  return {
    fetch: (path) =>
      new Promise((resolve) => {
        const request = get(edge + path, { agent }, (response) => {
          let body = ''
          response.setEncoding('utf8')
          response.on('data', (text: string) => (body += text))
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: body.trim() }))
          response.on('error', (error) => resolve({ status: 0, body: error.message }))
        })
        request.on('error', (error) => resolve({ status: 0, body: error.message }))
      }),
    close: () => agent.destroy(),
  }
}

/** A gentle, steady load, so that there is something to see. */
export class Load {
  readonly #client: ReturnType<typeof createClient>
  readonly #timer: NodeJS.Timeout
  #sent = 0
  failed = 0

  constructor(edge: string, perSecond: number) {
    this.#client = createClient(edge)
    this.#timer = setInterval(() => void this.#send(), 1000 / perSecond)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#client.close()
  }

  async #send(): Promise<void> {
    const path = this.#sent++ % 3 === 2 ? '/api/orders/7' : '/api/users/1'
    const { status } = await this.#client.fetch(path)
    if (status !== 200) this.failed++
  }
}
