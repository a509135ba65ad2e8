import * as fc from 'fast-check'

/** Bytes that mean something to one parser or another. */
const nastyBytes = '\r\n\0\t\x0b\x0c\x01\x7f\x80\x85\xa0\xad\xff :;,="\\/#?%+-_0159aAfFxX.(){}'.split('')

const nasty = fc.oneof(
  fc.constantFrom(...nastyBytes),
  fc.constantFrom(
    '\r\n',
    '\r\n\r\n',
    '\n\n',
    '\n\r',
    '\r\r\n',
    '\r\n ',
    '\r\n\t',
    '0\r\n\r\n',
    ', chunked',
    ' HTTP/1.1',
  ),
  fc.integer({ min: 0x80, max: 0xff }).map((code) => String.fromCharCode(code)),
  fc.constant(''),
)

/** Places where parsers decide: ends of lines, delimiters, and in and around what frames a message. */
const places =
  /\r\n|[\r\n:;, ]|content-length|transfer-encoding|connection|chunked|HTTP\/1\.\d|(?<=\n)[\da-f]+(?=[;\r])/gi

/** One change of a text. */
export type Mutation =
  | {
      readonly kind: 'put'
      readonly at: number
      readonly isAtPlace: boolean
      readonly over: number
      readonly put: string
    }
  | { readonly kind: 'line'; readonly what: 'repeat' | 'drop' | 'move'; readonly at: number; readonly to: number }

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      at: fc.nat(),
      isAtPlace: fc.boolean(),
      over: fc.constantFrom(0, 0, 1, 1, 2, 5),
      put: nasty,
    }),
    weight: 5,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('line' as const),
      what: fc.constantFrom('repeat' as const, 'drop' as const, 'move' as const),
      at: fc.nat(),
      to: fc.nat(),
    }),
    weight: 1,
  },
)

export function mutated(text: string, mutations: readonly Mutation[]): string {
  return mutations.reduce(apply, text)
}

function apply(text: string, change: Mutation): string {
  if (change.kind === 'put') {
    const from = change.isAtPlace ? placeIn(text, change.at) : change.at % (text.length + 1)
    return text.slice(0, from) + change.put + text.slice(from + change.over)
  }
  const lines = text.split('\r\n')
  const at = change.at % lines.length
  const [line = ''] = change.what === 'repeat' ? [lines[at]] : lines.splice(at, 1)
  if (change.what !== 'drop') lines.splice(change.to % (lines.length + 1), 0, line)
  return lines.join('\r\n')
}

/** The beginning or the end of one of the places, or a byte beside it. */
function placeIn(text: string, choice: number): number {
  const found = [...text.matchAll(places)].flatMap(({ index, 0: { length } }) => [index, index + 1, index + length])
  return found.length === 0 ? choice % (text.length + 1) : Math.min(text.length, found[choice % found.length] as number)
}
