import { denied, unreadable } from './error.ts'
import { createMultiplexedWire } from './multiplexed/wire.ts'
import type { ServiceRows } from './instances.ts'
import { NegotiatedWire } from './negotiated-wire.ts'
import type { ConsulLimits, ConsulOptions } from './options.ts'
import { createPackageWire } from './package-wire.ts'
import { SentRows } from './sent-rows.ts'
import type { Answered, Call, Question, Wire } from './wire.ts'

/** One answer of a blocking query. */
export interface Reading<Body> {
  readonly body: Body
  /** X-Consul-Index, at least 1: a query with index 0 does not block. */
  readonly index: number
}

/**
 * Asks for one answer. With `index` null it comes at once; else when the index has moved past it, or with the same index when
 * the wait is over. Rejects with a DiscoveryError, also when the signal aborts, and with what `take` throws; never throws itself.
 *
 * @param take see Wire
 */
export type Ask<Body> = <Taken>(call: Call, take: (reading: Reading<Body>) => Taken) => Promise<Taken>

/** The part of Consul's HTTP API that discovery reads, over a bounded number of kept-alive connections. */
export interface ConsulClient {
  /** `/v1/health/service/:service`: all instances with all their checks. @param filter null = none; else of those it is true for */
  readonly service: (service: string, filter?: string | null) => Ask<ServiceRows>
  /** `/v1/health/state/any`: every check of the datacenter the token may read. */
  readonly checks: Ask<readonly unknown[]>
  /** `/v1/catalog/services`: the tags of every service the token may read. */
  readonly services: Ask<Readonly<Record<string, unknown>>>
  readonly close: () => void
}

/** How many watches may have a query each; see ConsulLimits. */
export type Room = Pick<ConsulLimits, 'sharedAbove' | 'perServiceBelow'>

/** A client that knows, or finds out, how the agent is to be spoken to. */
export interface AgentClient extends ConsulClient {
  /** Null = `prepare` has to find out first. */
  readonly room: Room | null
  /** Resolves once there is a `room`. Rejects with a DiscoveryError where the agent can't be reached. */
  prepare(): Promise<void>
}

/** @param onRoom called when another `room` is in force than before */
export function createConsulClient(options: ConsulOptions, limits: ConsulLimits, onRoom: () => void): AgentClient {
  const plain = createPackageWire(options, limits)
  const createMultiplexed = (onConnected: (isMultiplexed: boolean) => void) =>
    createMultiplexedWire(options, limits, onConnected)
  const wire = new NegotiatedWire(plain, createMultiplexed, { limits, onRoom })
  return {
    ...readsOver(wire),
    get room() {
      return wire.room
    },
    prepare: async () => wire.prepare(),
  }
}

function readsOver(wire: Wire): ConsulClient {
  const ask =
    <Body>(question: Question, accept: (answer: Answered) => Body): Ask<Body> =>
    (call, take) =>
      wire.ask(question, call, (answer) => take({ body: accept(answer), index: indexOf(answer) }))
  return {
    service: (service, filter = null) =>
      ask({ list: 'service', service, filter }, (answer) => {
        // Fewer rows for want of rights is not the same as fewer instances.
        if (answer.headers['x-consul-results-filtered-by-acls'] === 'true') throw denied(answer.url)
        return answer.body instanceof SentRows ? answer.body : list(answer)
      }),
    checks: ask({ list: 'checks' }, list),
    services: ask({ list: 'services' }, record),
    close: () => wire.close(),
  }
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
