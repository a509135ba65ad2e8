import { METHODS } from 'node:http'
import * as fc from 'fast-check'
import { ChunkedDecoder } from '../../src/proxy/h1/chunked.ts'
import type { Fields } from '../../src/proxy/h1/fields.ts'
import { HeadReader } from '../../src/proxy/h1/head-reader.ts'
import { parseRequestHead, RequestHead } from '../../src/proxy/h1/request-head.ts'
import { parseResponseHead, ResponseHead } from '../../src/proxy/h1/response-head.ts'
import { chunkStream, type Delivered, pieces, requestStream, responseStream } from './arbitraries.ts'
import { hasFramingTrailer, hasTabBehindChunked } from './known-differences.ts'
import { requestsByLlhttp, responseByLlhttp } from './llhttp-oracle.ts'
import { same } from './same.ts'

/** One line of two pieces for every place where a delivery may part, the given one, and byte by byte. */
function* deliveries(stream: Delivered): Generator<readonly string[]> {
  const { bytes } = stream
  yield pieces(stream)
  yield bytes.split('')
  for (let at = 1; at < bytes.length; at++) yield [bytes.slice(0, at), bytes.slice(at)]
}

interface FirstRequest {
  readonly line: string
  readonly fields: [string, string][]
  readonly taken: number
}

/** The request that a connection would begin with, and how many bytes it took; null when there is none to accept. */
function firstRequest(parts: readonly string[]): FirstRequest | null {
  const reader = new HeadReader()
  let taken = 0
  for (const part of parts) {
    taken += reader.take(Buffer.from(part, 'latin1'), 0, part.length, 4096)
    if (reader.failure !== null) return null
    if (reader.head === null) continue
    const text = reader.head.slice(0, reader.headEnd)
    const head = new RequestHead()
    if (parseRequestHead(reader.head, 100, head, reader.headEnd) !== null) return null
    return { line: text.split('\r\n', 1)[0] ?? '', fields: fieldsOf(head.fields), taken }
  }
  return null
}

function fieldsOf(fields: Fields): [string, string][] {
  return Array.from({ length: fields.count }, (_, i): [string, string] => [
    fields.text.slice(fields.nameStart(i), fields.nameEnd(i)),
    fields.value(i),
  ])
}

/** Wherever its delivery parts, a head is taken or refused alike; one that is taken is read as llhttp reads it. */
export const requestHeads = fc.asyncProperty(requestStream, async (stream) => {
  const whole = firstRequest([stream.bytes])
  for (const parts of deliveries(stream)) same('the delivery does not matter', firstRequest(parts), whole)
  if (whole === null) return
  const [method = '', target = ''] = whole.line.split(' ')
  // llhttp gives up at methods it does not know, where we take any token (RFC 9110 section 9.1).
  if (!METHODS.includes(method)) return
  const { messages } = await requestsByLlhttp(stream.bytes.slice(0, whole.taken))
  const [first] = messages
  if (first === undefined && hasTabBehindChunked(stream.bytes)) return
  same('llhttp reads the same head', { start: method, rest: target, fields: whole.fields }, first && headOf(first))
})

/** A response head is taken or refused, never thrown at; one that is taken is read as llhttp reads it. */
export const responseHeads = fc.asyncProperty(responseStream, async ({ bytes }) => {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return
  const text = bytes.slice(0, end)
  const head = new ResponseHead()
  if (!parseResponseHead(text, 100, head)) return
  same('what is carried on is lines', /^(?:[^\r\n\0]+\r\n)*$/.test(head.carried), true)
  if (head.status < 200) return
  const oracle = await responseByLlhttp(`${text}\r\n\r\n`, 'HEAD')
  const ours = { start: String(head.status), rest: head.reason, fields: fieldsOf(head.fields) }
  same('llhttp reads the same head', ours, oracle && headOf(oracle))
})

function headOf({ start, rest, fields }: { start: string; rest: string; fields: readonly unknown[] }): unknown {
  return { start, rest, fields }
}

interface Decoded {
  readonly body: string
  /** Bytes up to its end, or null when it has none: it is broken, or there is more to come. */
  readonly taken: number | null
}

function decode(parts: readonly string[]): Decoded & { readonly trailers: string; readonly isBroken: boolean } {
  const decoder = new ChunkedDecoder()
  let body = ''
  let taken = 0
  const bodySlice = (bytes: Buffer, start: number, end: number): void => {
    body += bytes.toString('latin1', start, end)
  }
  for (const part of parts) {
    if (decoder.isDone || decoder.isBroken) break
    taken += decoder.push(Buffer.from(part, 'latin1'), 0, part.length, { bodySlice })
  }
  const { trailers, isBroken, isDone } = decoder
  return { body, taken: isDone ? taken : null, trailers, isBroken }
}

/** A chunked body is read the same wherever its delivery parts; one with an end is read as llhttp reads it, to the same end. */
export const chunkedBodies = fc.asyncProperty(chunkStream, async (stream) => {
  const whole = decode([stream.bytes])
  for (const parts of deliveries(stream)) same('the delivery does not matter', decode(parts), whole)
  if (whole.taken === null) return
  const bytes = `POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${stream.bytes.slice(0, whole.taken)}`
  const { messages, error } = await requestsByLlhttp(bytes)
  if (error !== null && hasFramingTrailer(bytes)) return
  same('llhttp reads the same body', { body: whole.body, error: null }, { body: messages[0]?.body, error })
})
