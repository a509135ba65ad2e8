import { Agent, request } from 'undici'
import { RegisterError } from '../register-error.ts'

export interface AgentApiOptions {
  /** For example `http://127.0.0.1:8500`. */
  readonly url: string
  readonly token: string | null
}

export interface AgentAnswer {
  readonly status: number
  /** Undefined where the answer is not JSON, as errors are not. */
  readonly json: unknown
  readonly text: string
  /** X-Consul-Index; 0 where the answer has none. */
  readonly index: number
}

/** However many services a process registers, and however long an agent keeps answers back. */
const maxConnections = 4
const answerTimeoutMs = 5000
const connectTimeoutMs = 2000
const shownChars = 200

/**
 * Consul's agent API (https://developer.hashicorp.com/consul/api-docs/agent/service) over a few kept connections. The `consul` package
 * has no `replace-existing-checks`, no weights and no health by id, which registering honestly needs; see docs/decisions.
 */
export class AgentApi {
  readonly #url: string
  readonly #headers: Record<string, string>
  readonly #connections = new Agent({
    connections: maxConnections,
    connect: { timeout: connectTimeoutMs },
    // Consul's own idle time is longer; a connection is ours to close.
    keepAliveTimeout: 30_000,
  })

  constructor({ url, token }: AgentApiOptions) {
    this.#url = url.replace(/\/+$/, '')
    this.#headers = token === null ? {} : { 'x-consul-token': token }
  }

  get url(): string {
    return this.#url
  }

  /**
   * @param path begins with `/v1/`
   * @param accepted statuses besides 2xx that the caller reads itself
   * @throws RegisterError
   */
  async call(
    method: 'GET' | 'PUT',
    path: string,
    { body, signal, accepted = [], timeoutMs = answerTimeoutMs }: CallOptions,
  ): Promise<AgentAnswer> {
    const where = `${this.#url}${path.replace(/\?.*/, '')}`
    let answer: AgentAnswer
    try {
      const response = await request(this.#url + path, {
        method,
        headers: body === undefined ? this.#headers : { ...this.#headers, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
        signal,
        headersTimeout: timeoutMs,
        bodyTimeout: answerTimeoutMs,
        dispatcher: this.#connections,
      })
      const text = await response.body.text()
      const isJson = String(response.headers['content-type']).startsWith('application/json')
      answer = {
        status: response.statusCode,
        json: isJson ? JSON.parse(text) : undefined,
        text,
        index: indexOf(response),
      }
    } catch (error) {
      throw failure(error, where)
    }
    const isGood = (answer.status >= 200 && answer.status < 300) || accepted.includes(answer.status)
    if (!isGood) throw refusal(answer, where)
    return answer
  }

  async close(): Promise<void> {
    await this.#connections.destroy()
  }
}

export interface CallOptions {
  readonly body?: unknown
  readonly signal: AbortSignal
  readonly accepted?: readonly number[]
  /** Default 5 s; longer for a query that waits. */
  readonly timeoutMs?: number
}

function indexOf({ headers }: { readonly headers: Record<string, string | string[] | undefined> }): number {
  const index = Number(headers['x-consul-index'])
  return Number.isSafeInteger(index) ? index : 0
}

function failure(error: unknown, where: string): RegisterError {
  if (!(error instanceof Error)) return new RegisterError('failed', `${where}: ${String(error)}`)
  const code = 'code' in error ? String(error.code) : error.name
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return new RegisterError(
      'timeout',
      `Consul did not answer ${where} in time; check that its agent is not overloaded`,
    )
  }
  if (error instanceof SyntaxError) {
    return new RegisterError('failed', `${where} is not Consul's HTTP API: its answer is no JSON; check the address`)
  }
  const way = 'check that the agent runs and that the address is right'
  return new RegisterError('unreachable', `Consul can't be reached at ${where} (${code}); ${way}`, { cause: error })
}

function refusal({ status, text }: AgentAnswer, where: string): RegisterError {
  const said = text.replaceAll(/\s+/g, ' ').trim().slice(0, shownChars)
  if (status === 401 || status === 403) {
    return new RegisterError('denied', `Consul's ACLs refuse ${where} (${said}); the token needs service:write for it`)
  }
  const message = `Consul answered ${status} (${said}) to ${where}`
  if (status >= 500 || status === 429) return new RegisterError('failed', message)
  return new RegisterError('refused', message)
}
