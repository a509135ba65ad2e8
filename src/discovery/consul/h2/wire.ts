import type { ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2'
import { clientContext, clientTls } from '../../../util/tls-client.ts'
import { DiscoveryError } from '../../contract.ts'
import type { Room } from '../client.ts'
import { refused, timedOut, unreachable, unreadable } from '../error.ts'
import type { Protocol } from '../negotiated-wire.ts'
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
import { type Place, Places } from './places.ts'
import { readAnswer, type StreamAnswer, TimeIsUp } from './read-answer.ts'

/** HTTP/2, over as many connections as the queries need. */
export interface H2Wire extends Wire {
  readonly room: Room
  /** Makes a connection and finds out whether HTTP/2 is offered. Rejects with a DiscoveryError. */
  connect(): Promise<void>
}

/** @param onProtocol called with what each new connection was found to speak */
export function createH2Wire(
  options: ConsulOptions,
  limits: ConsulLimits,
  onProtocol: (protocol: Protocol) => void,
): H2Wire {
  const base = new URL(baseUrlOf(options))
  const shownBase = shownUrl(base.href)
  const { maxFirstReads, waitMs } = limits.h2
  const tls = tlsFor(base, options)
  const open = async (closing: AbortSignal) => {
    const timeout = new AbortController()
    const timer = setTimeout(() => timeout.abort(new TimeIsUp()), limits.answerTimeoutMs)
    const signal = AbortSignal.any([closing, timeout.signal])
    try {
      return await AgentSession.open(base, { tls, limits: limits.h2, signal })
    } finally {
      clearTimeout(timer)
    }
  }
  const onConnected = (isH2: boolean) => onProtocol(isH2 ? 'h2' : 'http/1.1')
  const places = new Places({ open, onConnected, limits: limits.h2 })
  const common = queryOf({ stale: '', ...(options.datacenter !== null && { dc: options.datacenter }) })
  const waiting = `&${queryOf({ wait: `${waitMs / 1000}s` })}&index=`
  const headers: OutgoingHttpHeaders = {
    accept: 'application/json',
    ...(options.token !== null && { 'x-consul-token': options.token }),
  }

  const urlOf = (question: Question) => shownBase + pathOf(question)

  const query = <Taken>(place: Place, question: Question, call: Call, take: (answer: Answered) => Taken) => {
    const { index, signal } = call
    let stream: ClientHttp2Stream
    try {
      const path = `${base.pathname}${pathOf(question)}?${common}${filterOf(question)}`
      stream = place.session.request({ ...headers, ':path': index === null ? path : path + waiting + index })
    } catch (error) {
      place.leave()
      return Promise.reject(errorOf(error, urlOf(question)))
    }
    return readAnswer(stream, {
      timeoutMs: index === null ? limits.answerTimeoutMs : blockingTimeoutMs(waitMs),
      holds: index === null,
      signal,
      onEnd: () => place.leave(),
      take: (answer) => take(answered(question, answer, urlOf(question))),
      errorOf: (failure) => errorOf(failure, urlOf(question)),
    })
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
      const sharedAbove = Math.max(0, places.maxStreams - maxFirstReads)
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

function answered(question: Question, { status, headers, body }: StreamAnswer, url: string): Answered {
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
