import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRequestHead, RequestHead } from '../../../../src/proxy/h1/request-head.ts'
import { RequestReader } from '../../../../src/proxy/h1/request-reader.ts'

const limits = { headBytes: 2000, headFields: 20, bodyBytes: null, connections: 10, connectionsPerClient: null }

/** Everything that a head says, its fields by name. */
function told(head: RequestHead): Record<string, unknown> {
  const { fields, isRepeated: _, ...said } = head
  return { ...said, hasBody: head.hasBody, values: ['host', 'x-a', 'cookie'].map((name) => fields.get(name)) }
}

/** What a parser that knows nothing of earlier requests makes of a head. */
function parsed(text: string): { failure: string | null; told: unknown } {
  const head = new RequestHead()
  const failure = parseRequestHead(text, limits.headFields, head)
  return { failure, told: failure === null ? told(head) : null }
}

const lines = fc.constantFrom(
  'GET /',
  'GET /a?x=1',
  'GET /a/../b',
  'GET /%2e',
  'GET http://b/',
  'POST /',
  'GET //',
  'GET /?',
)
const version = fc.oneof({ arbitrary: fc.constant('HTTP/1.1'), weight: 8 }, fc.constantFrom('HTTP/1.0', 'HTTP/1.2'))
const fields = fc.constantFrom(
  'host: a\r\nx-a: 1',
  'host: a\r\nx-a: 2',
  'host: a\r\nx-a: 1\r\ncookie: c',
  'host: a\r\ncontent-length: 3',
  'host: a\r\ntransfer-encoding: chunked',
  'host: a\r\nconnection: close',
  'host: a\r\nconnection: upgrade\r\nupgrade: websocket',
  'host: a\r\nexpect: 100-continue\r\ncontent-length: 1',
  'host: a\r\nx-forwarded-for: 1.2.3.4\r\nx-request-id: r',
)
const heads = fc.tuple(lines, version, fields).map(([line, said, rest]) => `${line} ${said}\r\n${rest}`)

test('reads a request of a connection as it would read it alone, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(heads, { minLength: 2, maxLength: 12 }), fc.nat(40), (requests, cut) => {
      const reader = new RequestReader()
      for (const text of requests) {
        const alone = parsed(text)
        const bytes = Buffer.from(`${text}\r\n\r\nrest`, 'latin1')
        // Every request in two reads now and then, so that heads that came in pieces are among them.
        const first = cut % 3 === 0 ? (cut * 7) % (bytes.length - 8) : bytes.length
        let next = reader.take(bytes, 0, first, limits)
        if (reader.failure === null && !reader.isWhole) next = reader.take(bytes, next, bytes.length, limits)
        expect(reader.failure).toBe(alone.failure)
        if (alone.failure !== null) return
        expect(bytes.toString('latin1', next)).toBe('rest')
        expect(told(reader.head)).toEqual(alone.told)
      }
    }),
    { numRuns: 2000 },
  )
})

function bytesOf(target: string): Buffer {
  return Buffer.from(`GET ${target} HTTP/1.1\r\nhost: a\r\nx-a: 1\r\n\r\n`, 'latin1')
}

function take(reader: RequestReader, bytes: Buffer, within = limits): RequestReader {
  expect(reader.take(bytes, 0, bytes.length, within)).toBe(bytes.length)
  return reader
}

describe('a request like the one before', () => {
  test('is refused for its own target', () => {
    const reader = new RequestReader()
    for (const target of ['/a', '/b', '/c']) take(reader, bytesOf(target))
    expect(take(reader, bytesOf('/%zz')).failure).toBe('bad-request')
  })

  test('is held to the limits in force', () => {
    const reader = new RequestReader()
    for (const target of ['/a', '/b', '/c']) expect(take(reader, bytesOf(target)).failure).toBeNull()
    expect(take(reader, bytesOf(`/${'x'.repeat(2000)}`)).failure).toBe('uri-too-long')

    const reloaded = new RequestReader()
    for (const target of ['/a', '/b', '/c']) take(reloaded, bytesOf(target))
    expect(take(reloaded, bytesOf('/d'), { ...limits, headFields: 1 }).failure).toBe('headers-too-large')
  })

  test('keeps the query apart from the path', () => {
    const reader = new RequestReader()
    for (const target of ['/a?1', '/a?2?3', '/a?', '/a']) {
      take(reader, bytesOf(target))
      expect(reader.head.path + reader.head.query).toBe(target)
      expect(reader.head.path).toBe('/a')
    }
  })
})
