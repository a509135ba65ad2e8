/** Tidegate's admin API, as far as the faults look at it. */
export class GatewayAdmin {
  readonly #base: string

  constructor(port: number) {
    this.#base = `http://127.0.0.1:${port}`
  }

  async services(name: string): Promise<ServiceView> {
    return (await this.#get(`/api/v1/services/${name}`)) as ServiceView
  }

  /** Newest first. */
  async timeline(): Promise<readonly Decision[]> {
    const { events } = (await this.#get('/api/v1/timeline?limit=1000')) as { events: readonly Decision[] }
    return events
  }

  async configVersion(): Promise<number> {
    return ((await this.#get('/api/v1/config')) as { version: number }).version
  }

  async #get(path: string): Promise<unknown> {
    const response = await fetch(`${this.#base}${path}`)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
}

export interface ServiceView {
  readonly endpoints: readonly {
    readonly id: string
    readonly registry: string
    readonly state: string
    readonly reason: string
    readonly inflight: number
    readonly requests: number
  }[]
}

export interface Decision {
  readonly at: string
  readonly type: string
  readonly endpoint: string | null
  readonly cause: string
}
