import { once } from 'node:events'
import type { Instance } from '../core/instance.ts'
import type { DiscoveryContext } from './context.ts'
import type { Answer, Discovery } from './contract.ts'

export interface StaticInstance {
  /** IP address or host name. */
  readonly host: string
  readonly port: number
  readonly weight: number
  readonly zone: string
  readonly version: string
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
}

export interface StaticOptions {
  readonly name: string
  readonly type: 'static'
  readonly services: Readonly<Record<string, readonly StaticInstance[]>>
}

/**
 * Instances written in the configuration: always passing, one answer per watch. An instance's id is its `host:port`; a second
 * one with the same is skipped. A service that is not listed has no instances.
 */
export function staticList(options: StaticOptions, context: DiscoveryContext): Discovery {
  const closing = new AbortController()
  return {
    async *watch(service, signal) {
      const end = AbortSignal.any([signal, closing.signal])
      if (end.aborted) return
      const listed = Object.hasOwn(options.services, service) ? (options.services[service] ?? []) : []
      yield answerFor(service, listed, context)
      if (!end.aborted) await once(end, 'abort')
    },
    async close() {
      closing.abort()
    },
  }
}

/** What somebody wrote down, as an answer. */
export function answerFor(service: string, listed: readonly StaticInstance[], context: DiscoveryContext): Answer {
  const instances = new Map<string, Instance>()
  for (const entry of listed) {
    const id = entry.host.includes(':') ? `[${entry.host}]:${entry.port}` : `${entry.host}:${entry.port}`
    if (instances.has(id)) context.onSkipped({ service, entry: id, reason: 'it is listed twice' })
    else instances.set(id, Object.freeze({ ...entry, id, node: '', status: 'passing' }))
  }
  return { instances: [...instances.values()], position: null, mayHaveForgotten: false }
}
