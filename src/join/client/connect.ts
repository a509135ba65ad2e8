import { type Dispatcher, fetch as undiciFetch, type RequestInit, type Response } from 'undici'
import type { EndpointState } from '../../health/state.ts'
import { defaults } from '../read-options.ts'
import { RegisterError } from '../register-error.ts'
import { parseRegistryUrl } from '../registry-url.ts'
import { BalancedDispatcher } from './balanced-dispatcher.ts'
import { BalancedService } from './balanced-service.ts'
import type { ClientOptions } from './client-options.ts'
import { checkClientOptions } from './client-settings.ts'

/** An instance as this client sees it. */
export interface InstanceView {
  readonly id: string
  /** `host:port` */
  readonly address: string
  readonly state: EndpointState
  /** Half a sentence: why this state. */
  readonly reason: string
  readonly inflight: number
  readonly requests: number
  readonly failures: number
}

/** A service that is called by its name. */
export interface Client extends AsyncDisposable {
  /**
   * WHATWG fetch; `input` is a path of the service, such as `/users/1`, or a whole URL. Rejects with a ClientError, as the cause of fetch's
   * TypeError, where no instance gave an answer; statuses are answers.
   */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>
  /** For undici's own `request`, `stream` … with `origin`. */
  readonly dispatcher: Dispatcher
  /** What requests to the dispatcher name as their origin. */
  readonly origin: string
  /** Resolves when the registry has spoken for the service; requests wait for it by themselves. */
  readonly ready: Promise<void>
  instances(): readonly InstanceView[]
  /** Of this client, in Prometheus' text format, by the names they have in the gateway; to be printed behind the process's own. */
  metrics(): Promise<string>
  /** Follows the service no more; what is in flight is finished. */
  close(): Promise<void>
}

/**
 * A client of the service `name`: its instances are followed in the registry, balanced, ejected when they fail and restored, by the gateway's own
 * code; requests are undici's.
 *
 * @throws RegisterError `invalid` for options that make no sense
 */
export function connect(name: string, options: ClientOptions = {}): Client {
  if (name === '') throw new RegisterError('invalid', 'the name of a service is not empty')
  checkClientOptions(options)
  const registry = options.registry ?? process.env.TIDEGATE_REGISTRY ?? defaults.registry
  parseRegistryUrl(registry)
  const service = new BalancedService(name, registry, options)
  const origin = originOf(name)
  const dispatcher = new BalancedDispatcher(service, origin)
  const close = (): Promise<void> => service.close()
  return {
    fetch: (input, init = {}) => undiciFetch(urlOf(input, origin), { ...init, dispatcher }),
    dispatcher,
    origin,
    ready: service.ready,
    instances: () =>
      (service.view()?.endpoints ?? []).map(({ id, address, state, reason, inflight, requests, failures }) => {
        return { id, address, state, reason, inflight, requests, failures }
      }),
    metrics: async () => (await service.metrics()).body,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** What is no whole URL is a path, however it begins: `//host/…` from a caller's own caller must not lead to another host. */
function urlOf(input: string | URL, origin: string): URL {
  if (typeof input !== 'string' || URL.canParse(input)) return new URL(input)
  const url = new URL(input, origin)
  return url.origin === origin ? url : new URL(origin + input.trimStart())
}

/** The service's name as a host; where it can't be one, a name that no host has (RFC 2606). */
function originOf(name: string): string {
  const host = name.toLowerCase()
  return /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(host) && URL.canParse(`http://${host}`)
    ? `http://${host}`
    : 'http://service.invalid'
}
