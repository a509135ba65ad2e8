import type { IncomingHttpHeaders } from 'node:http'
import type { ConsulOptions } from './options.ts'

/** One of the lists that discovery reads. */
export type Question =
  | { readonly list: 'service'; readonly service: string; readonly filter: string | null }
  | { readonly list: 'checks' }
  | { readonly list: 'services' }

export interface Call {
  /** To block until it has moved beyond this; null = for an answer at once. */
  readonly index: number | null
  readonly signal: AbortSignal
}

export interface Answered {
  /** For messages. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** What the JSON says; anything else where it is none. The instances of a service may be SentRows. */
  readonly body: unknown
}

/** How the agent is asked. */
export interface Wire {
  /**
   * Rejects with a DiscoveryError, also where the agent says no or the signal aborts; and with what `take` throws. Never throws itself.
   *
   * @param take gets the answer; what it makes of it is all that is handed on. A promise that has waited for long is in V8's old
   *   generation, and so would be whatever it resolves to, until all of that is collected
   */
  ask<Taken>(question: Question, call: Call, take: (answer: Answered) => Taken): Promise<Taken>
  close(): void
}

// Some hundred thousand checks; what is larger is no registry's answer.
export const maxAnswerBytes = 256 * 1024 * 1024

export function tooLarge(): Error {
  return new Error(`the answer is larger than ${maxAnswerBytes} bytes`)
}

const timeoutReserveMs = 5000

/** How long to wait for the end of a query that blocks. The server adds up to a sixteenth: https://developer.hashicorp.com/consul/api-docs/features/blocking */
export function blockingTimeoutMs(waitMs: number): number {
  return (waitMs * 17) / 16 + timeoutReserveMs
}

/** Of Consul's API, without a final slash. */
export function baseUrlOf({ address }: Pick<ConsulOptions, 'address'>): string {
  return `${address.replace(/\/+$/, '')}/v1`
}

/** For messages: without a user's name and password. */
export function shownUrl(baseUrl: string): string {
  const url = new URL(baseUrl)
  url.username = ''
  url.password = ''
  return url.href
}

/** Below `/v1`. */
export function pathOf(question: Question): string {
  if (question.list === 'checks') return '/health/state/any'
  if (question.list === 'services') return '/catalog/services'
  // A registry may list a name with half of a surrogate pair, which no URL can say: nobody is found under what is asked for then.
  return `/health/service/${encodeURIComponent(question.service.toWellFormed())}`
}
