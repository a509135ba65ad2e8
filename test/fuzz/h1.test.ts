import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ChunkedDecoder } from '../../src/proxy/h1/chunked.ts'
import { HeadReader } from '../../src/proxy/h1/head-reader.ts'
import { parseRequestHead, RequestHead } from '../../src/proxy/h1/request-head.ts'
import { parseResponseHead, ResponseHead } from '../../src/proxy/h1/response-head.ts'
import { chunkStream, pieces, requestStream, responseStream } from './arbitraries.ts'
import { engineProperties, type EngineProperties } from './properties.ts'

let properties: EngineProperties
beforeAll(async () => {
  properties = await engineProperties()
})
afterAll(async () => properties.close())

test('whatever a client sends is answered or closed, and what goes upstream is what llhttp reads', async () => {
  await fc.assert(properties.requests, { numRuns: 500 })
})

test('whatever an endpoint sends, the client gets one well-framed answer or sees the cut', async () => {
  await fc.assert(properties.responses, { numRuns: 500 })
})

/** The request that a connection would begin with, and how many bytes it took; null when there is none to accept. */
function firstRequest(parts: readonly string[]): { head: string; taken: number } | null {
  const reader = new HeadReader()
  let taken = 0
  for (const part of parts) {
    taken += reader.take(Buffer.from(part, 'latin1'), 0, part.length, 4096)
    if (reader.failure !== null) return null
    if (reader.head === null) continue
    const head = reader.head.slice(0, reader.headEnd)
    return parseRequestHead(head, 100, new RequestHead()) === null ? { head, taken } : null
  }
  return null
}

test('a head is taken, or refused, wherever its delivery parts', () => {
  fc.assert(
    fc.property(requestStream, (stream) => {
      expect(firstRequest(pieces(stream))).toEqual(firstRequest([stream.bytes]))
    }),
  )
})

/** What a decoder makes of a body: all of it, or that it is broken or not complete. */
function decode(parts: readonly string[]): unknown {
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
  return decoder.isDone ? { body, taken, trailers: decoder.trailers } : { body, isBroken: decoder.isBroken }
}

test('a chunked body is read the same wherever its delivery parts', () => {
  fc.assert(
    fc.property(chunkStream, (stream) => {
      expect(decode(pieces(stream))).toEqual(decode([stream.bytes]))
    }),
  )
})

test('a response head is taken or refused, never thrown at', () => {
  fc.assert(
    fc.property(responseStream, ({ bytes }) => {
      const head = new ResponseHead()
      const isTaken = parseResponseHead(bytes.split('\r\n\r\n')[0] ?? '', 100, head)
      expect(isTaken ? head.carried : '').toMatch(/^(?:[^\r\n\0]+\r\n)*$/)
    }),
  )
})
