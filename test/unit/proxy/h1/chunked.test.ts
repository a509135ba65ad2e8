import { describe, expect, test } from 'vitest'
import { ChunkedDecoder, chunkSizeLine } from '../../../../src/proxy/h1/chunked.ts'

interface Decoded {
  readonly body: string
  readonly state: 'done' | 'broken' | 'open'
  readonly trailers: string
  /** What the decoder did not take of the piece in which it stopped. */
  readonly rest: string
}

function decode(pieces: readonly string[], decoder = new ChunkedDecoder()): Decoded {
  let body = ''
  let rest = ''
  for (const piece of pieces) {
    const bytes = Buffer.from(`__${piece}__`, 'latin1')
    const next = decoder.push(bytes, 2, bytes.length - 2, {
      bodySlice: (slice, start, end) => {
        body += slice.toString('latin1', start, end)
      },
    })
    rest = bytes.toString('latin1', next, bytes.length - 2)
    if (decoder.isDone || decoder.isBroken) break
  }
  const state = decoder.isDone ? 'done' : decoder.isBroken ? 'broken' : 'open'
  return { body, state, trailers: decoder.trailers, rest }
}

const body = '5\r\nhello\r\n006;a=b\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n'

test('gives the data, the trailers and where the body ends', () => {
  expect(decode([`${body}GET /next`])).toEqual({
    body: 'hello world',
    state: 'done',
    trailers: 'X-Sum: 1\r\n',
    rest: 'GET /next',
  })
})

test('does not care where the pieces part', () => {
  const wanted = { body: 'hello world', state: 'done', trailers: 'X-Sum: 1\r\n', rest: 'next' }
  for (let at = 1; at < body.length; at++) {
    expect(decode([body.slice(0, at), `${body.slice(at)}next`])).toEqual(wanted)
  }
  expect(decode([...body.slice(0, -1).split(''), '\nnext'])).toEqual(wanted)
})

test('an empty body is done behind its last line', () => {
  expect(decode(['0\r\n\r\nnext'])).toEqual({ body: '', state: 'done', trailers: '', rest: 'next' })
})

test('is open until its very last byte', () => {
  for (let at = 0; at < body.length; at++) expect(decode([body.slice(0, at)]).state).toBe('open')
})

test('starts anew after reset', () => {
  const decoder = new ChunkedDecoder()
  decode(['0\r\nx-old: 1\r\n\r\n'], decoder)
  decoder.reset()
  expect(decode(['1\r\na\r\n0\r\n\r\n'], decoder)).toEqual({ body: 'a', state: 'done', trailers: '', rest: '' })
  decode(['z'], decoder)
  decoder.reset()
  expect(decode(['0\r\n\r\n'], decoder).state).toBe('done')
})

describe('limits', () => {
  test.each([
    ['a size of 13 digits', '1fffffffffffff\r\n'.slice(1), 'open'],
    ['a size of 14 digits', '10000000000000\r\n', 'broken'],
    ['16 digits, most of them zeros', `${'0'.repeat(15)}1\r\n`, 'open'],
    ['17 digits, most of them zeros', `${'0'.repeat(16)}1\r\n`, 'broken'],
    ['17 zeros', '0'.repeat(17), 'broken'],
    ['an extension of 256 bytes', `1;${'x'.repeat(255)}\r\n`, 'open'],
    ['an extension of 257 bytes', `1;${'x'.repeat(256)}\r\n`, 'broken'],
    ['16 KiB of trailers', `0\r\nx: ${'y'.repeat(16_384 - 3)}\r\n\r\n`, 'done'],
    ['one byte more of trailers', `0\r\nx: ${'y'.repeat(16_384 - 2)}\r\n\r\n`, 'broken'],
  ] as const)('%s', (_name, bytes, state) => {
    expect(decode([bytes]).state).toBe(state)
    expect(decode(bytes.split('')).state).toBe(state)
  })

  test('extensions add up over a message', () => {
    const chunk = `1;${'x'.repeat(127)}\r\na\r\n`
    expect(decode([`${chunk.repeat(128)}0\r\n\r\n`]).state).toBe('done')
    expect(decode([`${chunk.repeat(129)}0\r\n\r\n`]).state).toBe('broken')
  })
})

test('takes no byte after it broke', () => {
  expect(decode(['5\r\nhello!\r\n0\r\n\r\n'])).toMatchObject({ body: 'hello', state: 'broken', rest: '\r\n0\r\n\r\n' })
})

test('writes sizes that it reads', () => {
  for (const length of [1, 15, 16, 65_536, 4_294_967_296]) {
    expect(Number.parseInt(chunkSizeLine(length), 16)).toBe(length)
    expect(decode([chunkSizeLine(length)]).state).toBe('open')
  }
})
