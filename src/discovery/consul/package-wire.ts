import { EventEmitter } from 'node:events'
import { Agent as HttpAgent, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import Consul from 'consul'
import { clientContext, clientTls } from '../../util/tls-client.ts'
import { consulError, unreadable } from './error.ts'
import type { ConsulLimits, ConsulOptions } from './options.ts'
import { guardAnswers, type QueryContext } from './transport.ts'
import { type Answered, baseUrlOf, blockingTimeoutMs, pathOf, type Question, shownUrl, type Wire } from './wire.ts'

const maxIdleSockets = 16
const idleSocketMs = 15_000

/** HTTP/1.1, by the `consul` package. */
export function createPackageWire(options: ConsulOptions, limits: ConsulLimits): Wire {
  const baseUrl = baseUrlOf(options)
  const shownBase = shownUrl(baseUrl)
  const settings = { baseUrl, agent: agentFor(baseUrl, options, limits) }
  const consul = new Consul(settings)
  guardAnswers(consul)

  const common = {
    // Any server may answer, also while there is no leader: https://developer.hashicorp.com/consul/api-docs/features/consistency
    stale: true,
    ...(options.token !== null && { token: options.token }),
    ...(options.datacenter !== null && { dc: options.datacenter }),
  }
  const blocking = { wait: `${limits.waitMs / 1000}s` }
  const immediate = { timeout: limits.answerTimeoutMs }

  return {
    async ask(question, { index, signal }, take) {
      const url = shownBase + pathOf(question)
      const context = new CallContext(signal, index === null ? null : blockingTimeoutMs(limits.waitMs))
      const timing = index === null ? immediate : { ...blocking, index: String(index) }
      let answer: Answered
      try {
        answer = answered(url, await call(consul, question, { ...common, ...timing, ctx: context }))
      } catch (error) {
        throw consulError(error, url)
      } finally {
        context.release()
      }
      return take(answer)
    },
    close: () => consul.destroy(),
  }
}

function agentFor(baseUrl: string, { tls }: ConsulOptions, { maxSockets }: ConsulLimits): HttpAgent {
  // An idle socket is closed before whatever lies between would drop it silently; papi sets its own timeout on busy ones.
  const common = { keepAlive: true, maxSockets, maxFreeSockets: maxIdleSockets, timeout: idleSocketMs }
  const { protocol, hostname } = new URL(baseUrl)
  if (protocol !== 'https:') return new HttpAgent(common)
  if (tls === null) return new HttpsAgent(common)
  return new HttpsAgent({ ...common, ...clientTls(clientContext(tls), tls.servername ?? hostname, tls.verify) })
}

async function call(consul: Consul, question: Question, query: object): Promise<unknown> {
  if (question.list === 'checks') return consul.health.state({ ...query, state: 'any' })
  if (question.list === 'services') return consul.catalog.service.list(query)
  const { service, filter } = question
  return consul.health.service({ ...query, service, ...(filter !== null && { filter }) })
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

/** With `includeResponse` the package resolves to a pair, which its types don't say. */
function answered(url: string, resolved: unknown): Answered {
  const [response, body]: readonly unknown[] = Array.isArray(resolved) ? resolved : []
  if (!(response instanceof IncomingMessage)) throw unreadable(url, 'it has no headers')
  return { url, headers: response.headers, body }
}
