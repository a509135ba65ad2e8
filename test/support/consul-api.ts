import { Agent, fetch as fetchBy } from 'undici'

export interface ConsulAnswer<Json> {
  readonly status: number
  readonly headers: Headers
  /** Undefined where the answer is not JSON, as errors are not. */
  readonly json: Json | undefined
  readonly text: string
}

/** One call of Consul's HTTP API; a body that is not a string is sent as JSON. The caller names the shape it expects back. */
export type ConsulApi = <Json = unknown>(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
) => Promise<ConsulAnswer<Json>>

/**
 * Calls the API at an address such as `http://127.0.0.1:8500`; paths begin with `/v1/`. Rejects only when there is no answer.
 * @param ca PEM of the authority to believe at an `https:` address
 */
export function consulApi(address: string, ca?: string): ConsulApi {
  const send = ca === undefined ? fetch : fetchTrusting(ca)
  return async (method, path, body, signal) => {
    const init: RequestInit = { method, signal: signal ?? null }
    if (body !== undefined) init.body = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await send(new URL(path, address), init)
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false
    return { status: response.status, headers: response.headers, json: isJson ? JSON.parse(text) : undefined, text }
  }
}

/** Node's own `fetch` takes no authority. */
function fetchTrusting(ca: string): typeof fetch {
  // Without keep-alive: tests that break connections do not mean this one's.
  const dispatcher = new Agent({ connect: { ca }, pipelining: 0 })
  const send = async (url: URL, init: object) => fetchBy(url, { ...init, dispatcher })
  return send as unknown as typeof fetch
}
