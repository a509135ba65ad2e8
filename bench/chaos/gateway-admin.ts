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

  /** The sum over the series of a family that have `label`, such as `outcome="changed"`; 0 when there are none. */
  async metric(family: string, label = ''): Promise<number> {
    const series = (await this.series()).filter((line) => line.split(/[ {]/, 1)[0] === family && line.includes(label))
    return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }

  /** Of all families, each with its value. */
  async series(): Promise<readonly string[]> {
    const text = await (await this.#ask('/metrics')).text()
    return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  }

  /** Has an endpoint ejected for so long. */
  async eject(id: string, durationMs: number): Promise<void> {
    await this.#ask(`/api/v1/endpoints/${encodeURIComponent(id)}/eject?duration=${durationMs}ms`, 'POST')
  }

  /** Ends the ejection of an endpoint. */
  async restore(id: string): Promise<void> {
    await this.#ask(`/api/v1/endpoints/${encodeURIComponent(id)}/restore`, 'POST')
  }

  async #get(path: string): Promise<unknown> {
    return (await this.#ask(path)).json()
  }

  async #ask(path: string, method = 'GET'): Promise<Response> {
    const response = await fetch(`${this.#base}${path}`, { method })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response
  }
}

export interface ServiceView {
  readonly stale: boolean
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
