import type { OutgoingHttpHeaders } from 'node:http2'
import { clientContext, clientTls } from '../../../util/tls-client.ts'
import { DiscoveryError } from '../../contract.ts'
import type { Room } from '../client.ts'
import { refused, timedOut, unreachable, unreadable } from '../error.ts'
import type { ConsulLimits, ConsulOptions } from '../options.ts'
import { SentRows } from '../sent-rows.ts'
import {
  type Answered,
  baseUrlOf,
  blockingTimeoutMs,
  type Call,
  pathOf,
  type Question,
  shownUrl,
  type Wire,
} from '../wire.ts'
import { AgentSession } from './agent-session.ts'
import { type Connection, type QueryAnswer, TimeIsUp } from './connection.ts'
import { openPlain } from './open-plain.ts'
import { openSecure } from './open-secure.ts'
import { type Place, Places } from './places.ts'

/** Many queries over one connection, and over as many connections as the queries need. */
export interface MultiplexedWire extends Wire {
  readonly room: Room
  /** Makes a connection and finds out whether the agent takes many queries over one. Rejects with a DiscoveryError. */
  connect(): Promise<void>
}

/** @param onConnected called with what each new connection was found to be */
export function createMultiplexedWire(
  options: ConsulOptions,
  limits: ConsulLimits,
  onConnected: (isMultiplexed: boolean) => void,
): MultiplexedWire {
  const base = new URL(baseUrlOf(options))
  const shownBase = shownUrl(base.href)
  const { maxFirstReads, waitMs } = limits.multiplexed
  const headers: OutgoingHttpHeaders = {
    accept: 'application/json',
    ...(options.token !== null && { 'x-consul-token': options.token }),
  }
  const tls = base.protocol === 'https:' ? tlsFor(base, options) : null
  const connect = async (signal: AbortSignal): Promise<Connection | null> => {
    const how = { limits: limits.multiplexed, headers, signal }
    return tls === null ? openPlain(base, how) : openSecure(base, tls, how)
  }
  const open = async (closing: AbortSignal) => {
    const timeout = new AbortController()
    const timer = setTimeout(() => timeout.abort(new TimeIsUp()), limits.answerTimeoutMs)
    const signal = AbortSignal.any([closing, timeout.signal])
    try {
      const connection = await connect(signal)
      if (connection === null) return null
      if (!connection.isOpen) throw new Error('the connection was closed at once')
      return new AgentSession(connection, limits.multiplexed)
    } finally {
      clearTimeout(timer)
    }
  }
  const places = new Places({ open, onConnected, limits: limits.multiplexed })
  const common = queryOf({ stale: '', ...(options.datacenter !== null && { dc: options.datacenter }) })
  const waiting = `&${queryOf({ wait: `${waitMs / 1000}s` })}&index=`
  const urlOf = (question: Question) => shownBase + pathOf(question)

  const query = <Taken>(place: Place, question: Question, call: Call, take: (answer: Answered) => Taken) => {
    const { index, signal } = call
    const path = `${pathOf(question)}?${common}${filterOf(question)}`
    try {
      return place.session.ask(index === null ? path : path + waiting + index, {
        timeoutMs: index === null ? limits.answerTimeoutMs : blockingTimeoutMs(waitMs),
        holds: index === null,
        signal,
        onEnd: () => place.leave(),
        take: (answer) => take(answered(question, answer, urlOf(question))),
        errorOf: (failure) => errorOf(failure, urlOf(question)),
      })
    } catch (error) {
      place.leave()
      return Promise.reject(errorOf(error, urlOf(question)))
    }
  }

  const queryLater = async <Taken>(question: Question, call: Call, take: (answer: Answered) => Taken) => {
    let place: Place
    try {
      place = await places.take(call.index === null, call.signal)
    } catch (error) {
      throw errorOf(error, urlOf(question))
    }
    return query(place, question, call, take)
  }

  return {
    get room() {
      const sharedAbove = Math.max(0, places.maxQueries - maxFirstReads)
      const share = limits.perServiceBelow / Math.max(1, limits.sharedAbove)
      return { sharedAbove, perServiceBelow: Math.floor(sharedAbove * Math.min(1, share)) }
    },

    ask(question, call, take) {
      const place = call.signal.aborted ? null : places.takeNow(call.index === null)
      return place === null ? queryLater(question, call, take) : query(place, question, call, take)
    },

    async connect() {
      try {
        await places.connect()
      } catch (error) {
        throw errorOf(error, base.origin)
      }
    },

    close: () => places.close(),
  }
}

function tlsFor({ hostname }: URL, { tls }: ConsulOptions) {
  const { ca = null, keyPair = null, servername = null, verify = true } = tls ?? {}
  return clientTls(clientContext({ ca, keyPair }), servername ?? hostname.replace(/^\[|\]$/g, ''), verify)
}

function filterOf(question: Question): string {
  return question.list === 'service' && question.filter !== null ? `&${queryOf({ filter: question.filter })}` : ''
}

function queryOf(fields: Readonly<Record<string, string>>): string {
  return new URLSearchParams(fields).toString()
}

function answered(question: Question, { status, headers, body }: QueryAnswer, url: string): Answered {
  if (status < 200 || status > 299) throw refused(status, body, url)
  const isJson = headers['content-type']?.startsWith('application/json') && body.length > 0
  // What is no JSON is left as it came.
  if (!isJson) return { url, headers, body }
  const rows = question.list === 'service' ? SentRows.of(body, url) : null
  return { url, headers, body: rows ?? parsed(body, url) }
}

function parsed(body: Buffer, url: string): unknown {
  try {
    return JSON.parse(body.toString())
  } catch (error) {
    throw unreadable(url, error instanceof Error ? error.message : String(error))
  }
}

function errorOf(error: unknown, url: string): DiscoveryError {
  if (error instanceof DiscoveryError) return error
  if (error instanceof TimeIsUp) return timedOut(url)
  return unreachable(error instanceof Error ? error : new Error(String(error)), url)
}
