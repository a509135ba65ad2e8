import { METHODS } from 'node:http'
import * as fc from 'fast-check'
import { takeMessage } from '../support/http-message.ts'
import { RawClient } from '../support/raw-client.ts'
import { answer, RecordingOrigin } from '../support/recording-origin.ts'
import { type Engine, startEngine } from '../support/engine.ts'
import { type Delivered, pieces, requestStream, responseStream } from './arbitraries.ts'
import { requestsByLlhttp, responseByLlhttp } from './llhttp-oracle.ts'

/** Properties of an engine between a client and an origin; used by the short runs of the suite and by the long ones. */
export interface EngineProperties {
  readonly requests: fc.IAsyncProperty<[Delivered]>
  readonly responses: fc.IAsyncProperty<[Delivered, string]>
  close(): Promise<void>
}

/** How long a connection may take before it counts as hanging. */
const hangMs = 10_000

export async function engineProperties(): Promise<EngineProperties> {
  let reply: readonly string[] | null = null
  const origin = await RecordingOrigin.start(({ connection }) => {
    if (reply === null) return answer('')
    for (const piece of reply) connection.socket.write(piece, 'latin1')
    connection.socket.end()
    return undefined
  })
  const outlier = { consecutiveFailures: 1e9, baseEjectionMs: 1, maxEjectionMs: 1, maxEjectedPercent: 0 }
  const engine = await startEngine({ origins: [origin], service: { outlier } })
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
        await checkResponse(engine, method, stream.bytes)
      },
    ),
    async close() {
      await engine.close()
      await origin.close()
    },
  }
}

interface Outcome {
  readonly answers: readonly string[]
  readonly upstream: readonly { readonly line: string; readonly body: string }[]
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
  const all = whole.upstream.map(({ line, body }) => ({ start: line.split(' ')[0] ?? '', body }))
  // llhttp gives up at methods it does not know, where we take any token (RFC 9110 section 9.1).
  const firstUnknown = all.findIndex(({ start }) => !METHODS.includes(start))
  const read = firstUnknown === -1 ? all : all.slice(0, firstUnknown)
  same('llhttp reads the same requests', read, oracle.slice(0, read.length))
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
    upstream: origin.requests.map(({ startLine, body }) => ({ line: startLine, body })),
  }
}

/** A long run keeps nothing of the cases before. */
function forgetAll(origin: RecordingOrigin): void {
  origin.requests.length = 0
  const standing = origin.connections.filter(({ ending }) => ending === null)
  origin.connections.splice(0, Infinity, ...standing)
  for (const connection of standing) {
    connection.received = ''
    connection.requests.length = 0
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
    if (hasFramingTrailer(bytes)) return
    const oracle = await responseByLlhttp(bytes, method)
    same('llhttp reads the same response', { start: String(status), body: message.body }, oracle)
    return
  }
}

/** A trailer that would frame the message: dropped by us (RFC 9110 section 6.5.1), the end of the message for llhttp. */
function hasFramingTrailer(bytes: string): boolean {
  return /\r\n0+(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*(?:content-length|transfer-encoding):/i.test(bytes)
}

async function beforeHanging<T>(promise: Promise<T>): Promise<T> {
  let guard: NodeJS.Timeout | undefined
  const hung = new Promise<never>((_resolve, reject) => {
    guard = setTimeout(() => reject(new Error(`hung for ${hangMs} ms`)), hangMs)
  })
  try {
    return await Promise.race([promise, hung])
  } finally {
    clearTimeout(guard)
  }
}

function same(what: string, actual: unknown, wanted: unknown): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(wanted)]
  if (is !== should) throw new Error(`${what}:\n  is     ${is}\n  should ${should}`)
}
