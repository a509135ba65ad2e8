import * as fc from 'fast-check'
import { mutated, mutation } from './mutations.ts'

/** Bytes as latin1 text, and where a delivery parts them. */
export interface Delivered {
  readonly bytes: string
  readonly cuts: readonly number[]
}

/** The pieces of one delivery, in order, none empty. */
export function pieces({ bytes, cuts }: Delivered): string[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...at].map((from, i) => bytes.slice(from, at[i] ?? bytes.length)).filter((piece) => piece !== '')
}

/** Mostly the first; now and then one of the others. */
function mostly(usual: string, ...others: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof({ arbitrary: fc.constant(usual), weight: 12 }, { arbitrary: fc.constantFrom(...others), weight: 1 })
}

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~\dA-Za-z-]{1,12}$/)
const value = fc.stringMatching(/^[!-~\xa1-\xff]([\t -~\x80-\xff]{0,20}[!-~\xa1-\xff])?$/)
const data = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\r', '\n', '0', 'a'),
    fc.nat(255).map((code) => String.fromCharCode(code)),
  ),
  maxLength: 40,
})

const meaningful = [
  [
    'connection: keep-alive',
    'connection: close',
    'connection: x-a, host, content-length',
    'connection:',
    'connection: te',
  ],
  ['te: trailers', 'keep-alive: timeout=3', 'upgrade: websocket', 'expect: 100-continue', 'trailer: x', 'proxy: x'],
  ['x-forwarded-for: 6.6.6.6', 'forwarded: for=x', 'x-request-id: mine', 'x_a: b', 'x-a: 1', 'x-empty:', ' folded: x'],
  ['Transfer_Encoding: chunked', 'content_length: 3', 'transfer-encoding', 'content-length', 'content-length: 0'],
  ['Content-Length : 3', 'transfer-encoding:\r\n chunked', 'x-a: b\r\n\tc', 'transfer-encoding: chunked', 'x: \x80'],
].flat()

/** Sizes at which readers of numbers go wrong; no body follows that is as long. */
const edges = [
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  10n ** 15n - 1n,
  10n ** 15n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n,
  2n ** 64n + 5n,
]

/** Field lines of any message: harmless ones, and all that mean something to whoever forwards it. */
const fieldLine = fc.oneof(
  fc.tuple(token, mostly(': ', ':', ' : ', ':\t', ''), value).map((parts) => parts.join('')),
  fc.constantFrom(...meaningful),
)

const lineEnd = mostly('\r\n', '\n', '\r', 'x\n', '\rx', '\r\r\n', '\n\r', '')

const zeros = mostly('', '0', '000', '+', '-', '0x', ' ', '_', '0'.repeat(15), '0'.repeat(16), '0'.repeat(300))
const extension = mostly(
  '',
  ';a',
  ';a=b',
  ';a="b;c"',
  ';',
  '; a',
  ' ',
  '\t',
  ';a="b',
  ';\0',
  `;${'x'.repeat(256)}`,
  ',5',
  '.0',
)

const chunk = fc.oneof(
  {
    arbitrary: fc
      .tuple(
        zeros,
        data.filter((text) => text !== ''),
        extension,
        lineEnd,
        lineEnd,
        fc.boolean(),
      )
      .map(([before, text, behind, end1, end2, isUpper]) => {
        const size = text.length.toString(16)
        return `${before}${isUpper ? size.toUpperCase() : size}${behind}${end1}${text}${end2}`
      }),
    weight: 30,
  },
  { arbitrary: fc.constantFrom(...edges).map((size) => `${size.toString(16)}\r\nhello\r\n`), weight: 1 },
)

interface Framed {
  readonly lines: string[]
  readonly body: string
}

/** Lines that frame a body twice, alike or not. */
const twoFramings: fc.Arbitrary<Framed> = fc
  .tuple(data, fc.array(fc.oneof(fc.nat(5), fc.constant(-1)), { minLength: 2, maxLength: 2 }))
  .map(([body, framings]) => ({
    lines: framings.map((length) => (length < 0 ? 'transfer-encoding: chunked' : `content-length: ${length}`)),
    body,
  }))

/** A body with the lines that frame it, mostly rightly. */
const framed: fc.Arbitrary<Framed> = fc.oneof(
  { arbitrary: fc.constant<Framed>({ lines: [], body: '' }), weight: 3 },
  {
    arbitrary: fc.tuple(data, mostly('', '+', '-', '0', '0x', ' ')).map(([body, sign]): Framed => ({
      lines: [`content-length: ${sign}${body.length}`],
      body,
    })),
    weight: 4,
  },
  {
    arbitrary: fc
      .tuple(
        fc.array(chunk, { maxLength: 4 }),
        mostly('', 'x-sum: 1\r\n', 'host: evil\r\n', 'x y: z\r\n'),
        lineEnd,
        mostly('chunked', 'Chunked', 'gzip, chunked', 'chunked, chunked', 'identity', '\x0bchunked', 'chunked '),
      )
      .map(([chunks, trailers, end, coding]): Framed => ({
        lines: [`transfer-encoding: ${coding}`],
        body: `${chunks.join('')}0\r\n${trailers}${end}`,
      })),
    weight: 4,
  },
  { arbitrary: twoFramings, weight: 1 },
  {
    arbitrary: fc
      .constantFrom(...edges)
      .map((length): Framed => ({ lines: [`content-length: ${length}`], body: 'hello' })),
    weight: 1,
  },
)

function messageOf(start: fc.Arbitrary<string>, always: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .record({
      start,
      always,
      fields: fc.array(fieldLine, { maxLength: 4 }),
      framed,
      framedFirst: fc.boolean(),
    })
    .map((parts) => {
      const lines = parts.framedFirst
        ? [...parts.framed.lines, ...parts.fields]
        : [...parts.fields, ...parts.framed.lines]
      const head = [parts.start, parts.always, ...lines].filter((line) => line !== '').join('\r\n')
      return `${head}\r\n\r\n${parts.framed.body}`
    })
}

const requestLine = fc
  .tuple(
    mostly('GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'get', 'TRACE'),
    mostly(' ', '  ', '\t'),
    mostly('/', '/a?b=c', '/a/../b', '/%2e%2e/x', 'http://b/x', '*', '/a%2Fb', '/\xff', '/a#b', ''),
    mostly(' HTTP/1.1', ' HTTP/1.0', ' HTTP/1.2', ' HTTP/2.0', '', ' http/1.1', ' HTTP/1.1 '),
  )
  .map((parts) => parts.join(''))

const request = messageOf(requestLine, mostly('host: a', 'Host: b:80', 'host: a, b', 'host:', 'host: a\r\nhost: a', ''))

const interim = 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK'
const statusLine = fc.oneof(
  mostly('HTTP/1.1 200 OK', 'HTTP/1.1 204 No Content', 'HTTP/1.1 304 Not Modified', 'HTTP/1.1 404', 'HTTP/1.0 200 OK'),
  mostly(interim, 'HTTP/1.1 101 Switching Protocols', 'HTTP/1.1 2000 OK', 'HTTP/2 200 OK', 'ok', ''),
)

const response = messageOf(statusLine, mostly('server: x', 'date: y'))

/** Messages in a row, some of them again: a connection may know a head that repeats one before it. */
function row(message: fc.Arbitrary<string>, most: number): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(message, { minLength: 1, maxLength: most }), fc.array(fc.nat(), { maxLength: most }))
    .map(([different, again]) => different.concat(again.map((i) => different[i % different.length] as string)).join(''))
}

function stream(message: fc.Arbitrary<string>, most: number): fc.Arbitrary<Delivered> {
  return fc.record({
    bytes: fc
      .tuple(
        row(message, most),
        fc.oneof(
          { arbitrary: fc.constant([]), weight: 2 },
          { arbitrary: fc.array(mutation, { minLength: 1, maxLength: 4 }), weight: 2 },
        ),
      )
      .map(([messages, mutations]) => mutated(messages, mutations)),
    cuts: fc.array(fc.nat(), { maxLength: 8 }),
  })
}

/** Up to eight requests behind each other, some of them wrong in one way or another. */
export const requestStream: fc.Arbitrary<Delivered> = stream(request, 4)

/** A response, right or wrong, perhaps with something behind it. */
export const responseStream: fc.Arbitrary<Delivered> = stream(response, 2)

/** Exchanges on one connection of an endpoint: some responses, and in what order they come, to which methods. */
export interface Kept {
  readonly responses: readonly string[]
  readonly order: readonly { readonly which: number; readonly method: 'GET' | 'HEAD' }[]
  readonly cuts: readonly number[]
}

export const keptExchanges: fc.Arbitrary<Kept> = fc.record({
  responses: fc
    .array(fc.tuple(response, fc.array(mutation, { maxLength: 1 })), { minLength: 1, maxLength: 3 })
    .map((all) => all.map(([text, mutations], i) => mutated(text.replace('\r\n', `\r\nx-which: ${i}\r\n`), mutations))),
  order: fc.array(fc.record({ which: fc.nat(), method: fc.constantFrom('GET', 'GET', 'HEAD') }), {
    minLength: 2,
    maxLength: 8,
  }),
  cuts: fc.array(fc.nat(), { maxLength: 4 }),
})

/** A chunked body, right or wrong, with something behind it. */
export const chunkStream: fc.Arbitrary<Delivered> = fc
  .record({
    chunks: fc.array(chunk, { maxLength: 5 }),
    trailers: mostly('', 'x-sum: 1\r\n', 'host: evil\r\n', 'x y: z\r\n', ' x: y\r\n', 'x: y\r\n z\r\n', 'x: \0\r\n'),
    mutations: fc.oneof(fc.constant([]), fc.array(mutation, { maxLength: 2 })),
    cuts: fc.array(fc.nat(), { maxLength: 8 }),
  })
  .map(({ chunks, trailers, mutations, cuts }) => ({
    bytes: `${mutated(`${chunks.join('')}0\r\n${trailers}\r\n`, mutations)}behind`,
    cuts,
  }))

/** Bytes of no protocol at all, or a message with much of it overwritten. */
export const garbageStream: fc.Arbitrary<Delivered> = fc.record({
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    fc.tuple(request, fc.array(mutation, { minLength: 5, maxLength: 30 })).map(([text, all]) => mutated(text, all)),
    fc.constantFrom(
      '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\r\n'.repeat(50),
      '\0',
    ),
  ),
  cuts: fc.array(fc.nat(), { maxLength: 8 }),
})
