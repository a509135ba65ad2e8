import { EventEmitter } from 'node:events'
import { Agent as HttpAgent, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import Consul from 'consul'
import { consulError, denied, unreadable } from './error.ts'
import type { ConsulLimits, ConsulOptions } from './options.ts'
import { guardAnswers, type QueryContext } from './transport.ts'

/** One answer of a blocking query. */
export interface Reading<Body> {
  readonly body: Body
  /** X-Consul-Index, at least 1: a query with index 0 does not block. */
  readonly index: number
}

/**
 * Asks for one answer. With `index` null it comes at once; else when the index has moved past it, or with the same index when
 * the wait is over. Rejects with a DiscoveryError, also when the signal aborts.
 */
export type Ask<Body> = (index: number | null, signal: AbortSignal) => Promise<Reading<Body>>

/** The part of Consul's HTTP API that discovery reads, over a bounded number of kept-alive connections. */
export interface ConsulClient {
  /** `/v1/health/service/:service`: all instances with all their checks. @param filter null = none; else of those it is true for */
  readonly service: (service: string, filter?: string | null) => Ask<readonly unknown[]>
  /** `/v1/health/state/any`: every check of the datacenter the token may read. */
  readonly checks: Ask<readonly unknown[]>
  /** `/v1/catalog/services`: the tags of every service the token may read. */
  readonly services: Ask<Readonly<Record<string, unknown>>>
  readonly close: () => void
}

interface Answered {
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

const maxIdleSockets = 16
const idleSocketMs = 15_000
const timeoutReserveMs = 5000

export function createConsulClient(options: ConsulOptions, limits: ConsulLimits): ConsulClient {
  const baseUrl = `${options.address.replace(/\/+$/, '')}/v1`
  // An idle socket is closed before whatever lies between would drop it silently; papi sets its own timeout on busy ones.
  const { maxSockets } = limits
  const agentOptions = { keepAlive: true, maxSockets, maxFreeSockets: maxIdleSockets, timeout: idleSocketMs }
  const settings = {
    baseUrl,
    agent: new URL(baseUrl).protocol === 'https:' ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions),
  }
  const consul = new Consul(settings)
  guardAnswers(consul)

  const common = {
    // Any server may answer, also while there is no leader: https://developer.hashicorp.com/consul/api-docs/features/consistency
    stale: true,
    ...(options.token !== null && { token: options.token }),
    ...(options.datacenter !== null && { dc: options.datacenter }),
  }
  // The server adds up to a sixteenth to the wait: https://developer.hashicorp.com/consul/api-docs/features/blocking
  const blockingTimeoutMs = (limits.waitMs * 17) / 16 + timeoutReserveMs
  const blocking = { wait: `${limits.waitMs / 1000}s` }
  const immediate = { timeout: limits.answerTimeoutMs }

  function ask<Body>(
    path: string,
    call: (query: object) => Promise<unknown>,
    accept: (answer: Answered) => Body,
  ): Ask<Body> {
    const url = shown(baseUrl) + path
    return async (index, signal) => {
      const context = new CallContext(signal, index === null ? null : blockingTimeoutMs)
      const timing = index === null ? immediate : { ...blocking, index: String(index) }
      try {
        const answer = answered(url, await call({ ...common, ...timing, ctx: context }))
        return { body: accept(answer), index: indexOf(answer) }
      } catch (error) {
        throw consulError(error, url)
      } finally {
        context.release()
      }
    }
  }

  return {
    service: (service, filter = null) =>
      ask(
        `/health/service/${encodeURIComponent(service)}`,
        async (query) => consul.health.service({ ...query, service, ...(filter !== null && { filter }) }),
        (answer) => {
          // Fewer rows for want of rights is not the same as fewer instances.
          if (answer.headers['x-consul-results-filtered-by-acls'] === 'true') throw denied(answer.url)
          return list(answer)
        },
      ),
    checks: ask('/health/state/any', async (query) => consul.health.state({ ...query, state: 'any' }), list),
    services: ask('/catalog/services', async (query) => consul.catalog.service.list(query), record),
    close: () => consul.destroy(),
  }
}

/** Papi cancels a request when its context emits `cancel`. */
class CallContext extends EventEmitter implements QueryContext {
  readonly includeResponse = true
  readonly waitsMs: number | null
  readonly #signal: AbortSignal
  readonly #onAbort = () => {
    this.canceled = true
    this.emit('cancel')
  }
  /** Read by papi before it sends. */
  canceled: boolean

  constructor(signal: AbortSignal, waitsMs: number | null) {
    super()
    this.waitsMs = waitsMs
    this.#signal = signal
    this.canceled = signal.aborted
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  release(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
  }
}

/** For messages: without a user's name and password. */
function shown(baseUrl: string): string {
  const url = new URL(baseUrl)
  url.username = ''
  url.password = ''
  return url.href
}

/** With `includeResponse` the package resolves to a pair, which its types don't say. */
function answered(url: string, resolved: unknown): Answered {
  const [response, body]: readonly unknown[] = Array.isArray(resolved) ? resolved : []
  if (!(response instanceof IncomingMessage)) throw unreadable(url, 'it has no headers')
  return { url, headers: response.headers, body }
}

function indexOf({ url, headers }: Answered): number {
  const text = headers['x-consul-index']
  const index = typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(index)) throw unreadable(url, 'it has no X-Consul-Index')
  return Math.max(1, index)
}

function list({ url, body }: Answered): readonly unknown[] {
  if (!Array.isArray(body)) throw unreadable(url, 'it is not a JSON list')
  return body
}

function record({ url, body }: Answered): Readonly<Record<string, unknown>> {
  if (!isRecord(body)) throw unreadable(url, 'it is not a JSON object')
  return body
}

function isRecord(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body) && !Buffer.isBuffer(body)
}
