import type { ConsulApi } from '../../support/consul-api.ts'

/** One client per path that follows it with blocking queries, one query per change. */
export class Watchers {
  readonly #api: ConsulApi
  readonly #paths: readonly string[]
  readonly #indexes = new Map<string, string>()
  readonly #blocked = new Set<string>()
  readonly #over = new AbortController()

  constructor(api: ConsulApi, paths: readonly string[]) {
    this.#api = api
    this.#paths = paths
  }

  /** How many queries are out. */
  get blocked(): number {
    return this.#blocked.size
  }

  /** The paths whose query was answered since the last `block`. */
  ended(): string[] {
    return this.#paths.filter((path) => !this.#blocked.has(path))
  }

  /** Sends a query for each path that has none out, from the index it had last. */
  async block(): Promise<void> {
    for (const path of this.ended()) {
      if (!this.#indexes.has(path)) this.#remember(path, await this.#api('GET', path))
      this.#blocked.add(path)
      void this.#query(path)
    }
  }

  stop(): void {
    this.#over.abort()
  }

  async #query(path: string): Promise<void> {
    const separator = path.includes('?') ? '&' : '?'
    const query = `${path}${separator}index=${this.#indexes.get(path)}&wait=10m`
    try {
      this.#remember(path, await this.#api('GET', query, undefined, this.#over.signal))
    } catch (error) {
      if (!this.#over.signal.aborted) throw error
    }
    this.#blocked.delete(path)
  }

  #remember(path: string, answer: { readonly headers: Headers }): void {
    this.#indexes.set(path, answer.headers.get('x-consul-index') ?? '')
  }
}
