import { describe, expect, test } from 'vitest'
import { HeadReader } from '../../../../src/proxy/h1/head-reader.ts'

const head = 'GET / HTTP/1.1\r\nhost: a'

/** Feeds pieces; @returns head, failure, and what is left of the last piece. */
function read(
  pieces: readonly string[],
  maxBytes = 1000,
): { head: string | null; failure: string | null; rest: string } {
  const reader = new HeadReader()
  for (const piece of pieces) {
    const bytes = Buffer.from(`padding${piece}`, 'latin1')
    const next = reader.take(bytes, 7, bytes.length, maxBytes)
    const rest = bytes.toString('latin1', next)
    if (reader.failure !== null || reader.head !== null) return { head: headOf(reader), failure: reader.failure, rest }
  }
  return { head: null, failure: null, rest: '' }
}

function headOf(reader: HeadReader): string | null {
  return reader.head === null ? null : reader.head.slice(0, reader.headEnd)
}

test('takes the head and leaves what follows', () => {
  expect(read([`${head}\r\n\r\nbody`])).toEqual({ head, failure: null, rest: 'body' })
})

test('takes a head in two pieces, wherever they part', () => {
  const bytes = `\r\n${head}\r\n\r\n`
  for (let at = 0; at < bytes.length; at++) {
    expect(read([bytes.slice(0, at), `${bytes.slice(at)}body`].filter((piece) => piece !== ''))).toEqual({
      head,
      failure: null,
      rest: 'body',
    })
  }
})

test('takes a head byte by byte, and one that is longer than its first look', () => {
  const long = `${head}\r\nx: ${'y'.repeat(5000)}`
  expect(read(`${long}\r\n\r\n`.split(''), 6000).head).toBe(long)
  expect(read([`${long}\r\n\r\nrest`], 6000)).toEqual({ head: long, failure: null, rest: 'rest' })
})

test.each(['GET /\r\n', 'GET / \r\n', 'GET\r\n', 'GET / http/1.1\r\n', 'GET / HTTP/10.1\r\n', 'x\r\nhost: a'])(
  'refuses %j without waiting for more',
  (bytes) => {
    expect(read([bytes]).failure).toBe('bad-request')
    expect(read(bytes.split('')).failure).toBe('bad-request')
  },
)

test.each(['GET / HTTP/1.1\r\n', 'GET / HTTP/2.0\r\n', 'GET / HTTP/1.1', '\r\nGET / HTTP/1.1\r\nhost: a\r\n'])(
  'waits for the rest of %j',
  (bytes) => {
    expect(read([bytes])).toEqual({ head: null, failure: null, rest: '' })
  },
)

describe('at its limit', () => {
  const fits = `GET /${'x'.repeat(2980)} HTTP/1.1`
  test.each([
    ['in one piece', (bytes: string) => [bytes]],
    ['byte by byte', (bytes: string) => bytes.split('')],
    ['in two pieces', (bytes: string) => [bytes.slice(0, 2990), bytes.slice(2990)]],
  ])('decides the same when fed %s', (_name, cut) => {
    expect(read(cut(`${fits}\r\n\r\n`), fits.length)).toMatchObject({ head: fits, failure: null })
    expect(read(cut(`\r\n${fits}\r\n\r\n`), fits.length)).toMatchObject({ head: fits, failure: null })
    expect(read(cut(`${fits}\r\n\r\n`), fits.length - 1)).toMatchObject({ head: null, failure: 'uri-too-long' })
    const fields = `GET / HTTP/1.1\r\nx: ${'y'.repeat(3000)}`
    expect(read(cut(`${fields}\r\n\r\n`), fields.length)).toMatchObject({ head: fields, failure: null })
    expect(read(cut(`${fields}\r\n\r\n`), fields.length - 1)).toMatchObject({ failure: 'headers-too-large' })
  })
})

test.each(['\0', '\x16', ' ', '\n', '\r\r', '\r\n\r\n', 'GET /\n', 'GET / HTTP/1.1\r\na: b\n', ':', '\xff'])(
  'refuses %j without waiting for more',
  (bytes) => {
    expect(read([bytes]).failure).toBe('bad-request')
    expect(read(bytes.split('')).failure).toBe('bad-request')
  },
)

test('is empty until a request begins, and again behind one', () => {
  const reader = new HeadReader()
  const feed = (bytes: string): number => reader.take(Buffer.from(bytes), 0, Buffer.from(bytes).length, 1000)
  expect(reader.isEmpty).toBe(true)
  feed('\r\n')
  expect(reader.isEmpty).toBe(true)
  feed('GET')
  expect(reader.isEmpty).toBe(false)
  feed(' / HTTP/1.1\r\n\r\n')
  expect([reader.isEmpty, headOf(reader)]).toEqual([true, 'GET / HTTP/1.1'])
  feed('\r\nGET /2 HTTP/1.1\r\n\r\n')
  expect(headOf(reader)).toBe('GET /2 HTTP/1.1')
})
