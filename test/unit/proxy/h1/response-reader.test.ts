import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseResponseHead, ResponseHead } from '../../../../src/proxy/h1/response-head.ts'
import { ResponseReader } from '../../../../src/proxy/h1/response-reader.ts'

function told(head: ResponseHead): Record<string, unknown> {
  const { fields, isRepeated: _, ...said } = head
  return { ...said, values: ['date', 'etag'].map((name) => fields.get(name)) }
}

const heads = fc
  .tuple(
    fc.constantFrom(
      'HTTP/1.1 200 OK',
      'HTTP/1.1 404 Not Found',
      'HTTP/1.0 200 OK',
      'HTTP/1.1 100 Continue',
      'HTTP/2 200',
    ),
    fc.constantFrom(
      'content-length: 5\r\ndate: now',
      'content-length: 5\r\ndate: then',
      'content-length: 55',
      'transfer-encoding: chunked',
      'connection: close',
      'connection: etag\r\netag: 1',
      'keep-alive: timeout=3\r\netag: 2',
      'content-length: x',
    ),
  )
  .map((parts) => parts.join('\r\n'))

test('reads a response of a connection as it would read it alone, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(heads, { minLength: 2, maxLength: 12 }), fc.nat(40), (responses, cut) => {
      const reader = new ResponseReader()
      for (const text of responses) {
        const alone = new ResponseHead()
        const isGood = parseResponseHead(text, 500, alone)
        const bytes = Buffer.from(`${text}\r\n\r\nrest`, 'latin1')
        const first = cut % 3 === 0 ? (cut * 7) % (bytes.length - 8) : bytes.length
        let next = reader.take(bytes, 0, first)
        if (next === -1 && !reader.isBroken) next = reader.take(bytes, first, bytes.length)
        expect(reader.isBroken).toBe(!isGood)
        if (!isGood) return
        expect(bytes.toString('latin1', next)).toBe('rest')
        expect(told(reader.head)).toEqual(told(alone))
      }
    }),
    { numRuns: 2000 },
  )
})

test('looks past the first bytes for a long head with its body behind it', () => {
  const head = `HTTP/1.1 200 OK\r\netag: ${'e'.repeat(3000)}\r\ncontent-length: 9000`
  const bytes = Buffer.from(`${head}\r\n\r\n${'b'.repeat(9000)}`, 'latin1')
  const reader = new ResponseReader()
  for (let i = 0; i < 3; i++) {
    expect(reader.take(bytes, 0, bytes.length)).toBe(head.length + 4)
    expect(reader.head.contentLength).toBe(9000)
  }
})
