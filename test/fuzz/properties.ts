import { METHODS } from 'node:http'
import * as fc from 'fast-check'
import { takeMessage } from '../support/http-message.ts'
import { RawClient } from '../support/raw-client.ts'
import type { EngineName } from '../../src/core/snapshot.ts'
import { answer, type RecordedRequest, RecordingOrigin } from '../support/recording-origin.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { type Delivered, pieces, requestStream, responseStream } from './arbitraries.ts'
import { beforeHanging } from './before-hanging.ts'
import { forgetAll } from './forget-all.ts'
import { hasClosingInterim, hasFramingTrailer, hasTabBehindChunked } from './known-differences.ts'
import { type OracleMessage, requestsByLlhttp, responseByLlhttp } from './llhttp-oracle.ts'
import { same } from './same.ts'

/** Properties of an engine between a client and an origin; used by the short runs of the suite and by the long ones. */
export interface EngineProperties {
  readonly requests: fc.IAsyncProperty<[Delivered]>
  readonly responses: fc.IAsyncProperty<[Delivered, string]>
  close(): Promise<void>
}

export async function engineProperties(engineName: EngineName): Promise<EngineProperties> {
  let reply: readonly string[] | null = null
  const origin = await RecordingOrigin.start(({ connection }) => {
    if (reply === null) return answer('')
    for (const piece of reply) connection.socket.write(piece, 'latin1')
    connection.socket.end()
    return undefined
  })
  const outlier = {
    consecutiveFailures: 1e9,
    baseEjectionMs: 1,
    maxEjectionMs: 1,
    maxEjectedPercent: 0,
    successRate: null,
  }
  const engine = await startEngine({ origins: [origin], listener: { engine: engineName }, service: { outlier } })
  return {
    requests: fc.asyncProperty(requestStream, async (stream) => {
      reply = null
      await checkRequests(engine, origin, stream)
    }),
    responses: fc.asyncProperty(
      responseStream,
      fc.constantFrom('GET', 'GET', 'GET', 'HEAD'),
      async (stream, method) => {
        reply = pieces(stream)
        forgetAll(origin)
        await checkResponse(engine, method, stream.bytes)
      },
    ),
    async close() {
      await engine.close()
      await origin.close()
    },
  }
}

/** A request as the origin got it, without the fields that are ours. */
interface Upstream {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly fields: readonly (readonly [string, string])[]
  readonly body: string
}

interface Outcome {
  readonly answers: readonly string[]
  readonly upstream: readonly Upstream[]
}

/**
 * However a stream of requests is delivered: every connection is answered or closed, the same way; the origin gets whole,
 * well-framed requests, one for each accepted; and they are those that llhttp reads, in its order, with its bodies.
 */
async function checkRequests(engine: Engine, origin: RecordingOrigin, stream: Delivered): Promise<void> {
  const whole = await sendStream(engine, origin, [stream.bytes])
  const parted = await sendStream(engine, origin, pieces(stream))
  same('the delivery does not matter', parted, whole)
  const accepted = whole.answers.filter((kind) => kind === 'accepted')
  same('each answer is that of one request upstream', accepted.length, whole.upstream.length)
  const oracle = await requestsByLlhttp(stream.bytes)
  for (const [i, request] of whole.upstream.entries()) {
    const read = oracle.messages[i]
    // What is in front of a known difference is compared all the same.
    if (isUnread(read) && mayStop(request, stream.bytes)) return
    expectAsRead(request, read)
  }
}

function isUnread(read: OracleMessage | undefined): boolean {
  return read === undefined || read.body === null
}

/** True when there is something that llhttp is known to stop at, though we read on. */
function mayStop({ method }: Upstream, bytes: string): boolean {
  // It gives up at methods it does not know, where we take any token (RFC 9110 section 9.1).
  return !METHODS.includes(method) || hasFramingTrailer(bytes) || hasTabBehindChunked(bytes)
}

/** The origin got method, target, host, fields and body as llhttp reads them; we may leave fields out, not change or add any. */
function expectAsRead(request: Upstream, read: OracleMessage | undefined): void {
  const { method, target, body } = request
  if (read === undefined) throw new Error(`llhttp does not read the request ${JSON.stringify(request)}`)
  const origin = read.rest.replace(/^https?:\/\/[^/?]*/i, '')
  const isAbsolute = origin !== read.rest
  // Dot segments are resolved; what they become has tests of its own.
  const wanted = /\/(?:\.|%2e)/i.test(origin) ? target : `${/^[/*]/.test(origin) ? '' : '/'}${origin}`
  same(
    'llhttp reads the same request',
    { method, target, body },
    { method: read.start, target: wanted, body: read.body },
  )
  const hosts = read.fields.filter(([name]) => name.toLowerCase() === 'host').map(([, value]) => value)
  if (!isAbsolute && hosts.join('') !== '') same('llhttp reads the same host', [request.host], hosts)
  const left = read.fields.map(lineOf)
  for (const field of request.fields) {
    const at = left.indexOf(lineOf(field))
    if (at === -1) throw new Error(`llhttp reads no field ${JSON.stringify(lineOf(field))}`)
    left.splice(at, 1)
  }
}

/** Names are the same in any case: node:http writes all fields of a name as it was written first. */
function lineOf([name, value]: readonly [string, string]): string {
  return `${name.toLowerCase()}: ${value}`
}

const ours =
  /^(?:host|x-forwarded-(?:for|proto|port|host)|forwarded|x-request-id|transfer-encoding|connection|te|upgrade|expect)$/

/** True for fields that are not the client's: node:http adds a length of 0 where a body might be. */
function isAdded([name, value]: readonly [string, string]): boolean {
  return ours.test(name) || (name.toLowerCase() === 'content-length' && Number(value) === 0)
}

function upstreamOf({ method, target, fields, body, framing }: RecordedRequest): Upstream {
  const host = fields.find(([name]) => name === 'host')?.[1] ?? ''
  return {
    method,
    target,
    host,
    fields: fields.filter((field) => !isAdded(field)),
    body: framing === 'none' ? '' : body,
  }
}

async function sendStream(engine: Engine, origin: RecordingOrigin, parts: readonly string[]): Promise<Outcome> {
  forgetAll(origin)
  const client = await RawClient.connect(engine.port)
  await client.sendPieces(parts)
  client.end()
  await beforeHanging(client.rest())
  client.destroy()
  same('the origin sees no violation of framing', origin.violations, [])
  return {
    // With more than one reason to refuse, the one that is seen first may be another.
    answers: [...client.received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) =>
      status === '200' ? 'accepted' : 'refused',
    ),
    upstream: origin.requests.map(upstreamOf),
  }
}

/**
 * Whatever a response is: the client gets one well-framed answer, or sees that it is cut; and one that is passed on as
 * complete is the one llhttp reads, with its body.
 */
async function checkResponse(engine: Engine, method: string, bytes: string): Promise<void> {
  const number = engine.settled.length + 1
  const client = await RawClient.connect(engine.port)
  client.send(`${method} / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`)
  const { ending } = await beforeHanging(client.rest())
  client.destroy()
  const { failure, status } = await engine.settledAt(number)
  let rest = client.received
  for (;;) {
    const message = takeMessage(rest, { kind: 'response', bodyless: method === 'HEAD', hasEnded: ending === 'fin' })
    if (message === null) {
      same('an answer that is not whole is a failure', failure, 'reset-in-body')
      return
    }
    rest = rest.slice(message.raw.length)
    if (message.startLine.startsWith('HTTP/1.1 1')) continue
    same('nothing follows an answer', rest, '')
    if (failure !== null) {
      same('a failure is answered by the gateway', message.startLine, 'HTTP/1.1 502 Bad Gateway')
      return
    }
    const oracle = await responseByLlhttp(bytes, method)
    const mayBeUnread = hasFramingTrailer(bytes) || hasTabBehindChunked(bytes) || hasClosingInterim(bytes)
    if (oracle === null && mayBeUnread) return
    const read = oracle && { start: oracle.start, body: oracle.body }
    same('llhttp reads the same response', { start: String(status), body: message.body }, read)
    return
  }
}
