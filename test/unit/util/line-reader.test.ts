import { describe, expect, it } from 'vitest'
import { LineReader } from '../../../src/util/line-reader.ts'
import { seededRandom } from '../../../src/util/random.ts'

/** Reads lines that say themselves how many bytes of a body follow them: `b 5` has one, anything else none. */
function startReading(maxLineBytes = 100) {
  const read: string[] = []
  const reader = new LineReader({
    maxLineBytes,
    onLine: (line) => {
      read.push(`line ${line}`)
      return line.startsWith('b ') ? Number(line.slice(2)) : null
    },
    onBody: (body) => read.push(`body ${body.toString()}`),
  })
  return { reader, read }
}

const sent = Buffer.from('one\n\nb 5\nfi\ne\nb 0\nb 3\nähb 1\n\n\nlast\nb 0\n')
const whole = ['line one', 'line ', 'line b 5', 'body fi\ne\n', 'line b 0', 'body ', 'line b 3', 'body äh', 'line b 1']
const rest = ['body \n', 'line ', 'line last', 'line b 0', 'body ']

describe('the reader of lines and bodies', () => {
  it('takes them out of one chunk', () => {
    const { reader, read } = startReading()
    reader.read(sent)
    expect(read).toEqual([...whole, ...rest])
  })

  it('takes them out of any two chunks, and out of single bytes', () => {
    for (let at = 0; at <= sent.length; at++) {
      const { reader, read } = startReading()
      reader.read(sent.subarray(0, at))
      reader.read(sent.subarray(at))
      expect(read).toEqual([...whole, ...rest])
    }
    const { reader, read } = startReading()
    for (const byte of sent) reader.read(Buffer.of(byte))
    expect(read).toEqual([...whole, ...rest])
  })

  it('takes them out of chunks of any sizes', () => {
    const random = seededRandom(7)
    for (let round = 0; round < 200; round++) {
      const { reader, read } = startReading()
      for (let at = 0; at < sent.length;) {
        const bytes = 1 + Math.floor(random() * 9)
        reader.read(sent.subarray(at, at + bytes))
        at += bytes
      }
      expect(read).toEqual([...whole, ...rest])
    }
  })

  it('refuses a line that is too long, with its end or before it comes', () => {
    expect(() => startReading(3).reader.read(Buffer.from('fine\n'))).toThrow('a line is longer than 3 bytes')
    const { reader } = startReading(3)
    reader.read(Buffer.from('fin'))
    expect(() => reader.read(Buffer.from('e'))).toThrow(RangeError)
    const exact = startReading(3)
    exact.reader.read(Buffer.from('fin\n'))
    expect(exact.read).toEqual(['line fin'])
  })

  it('has no limit for bodies', () => {
    const { reader, read } = startReading(7)
    reader.read(Buffer.from(`b 1000\n${'x'.repeat(1000)}`))
    expect(read).toEqual(['line b 1000', `body ${'x'.repeat(1000)}`])
  })
})
