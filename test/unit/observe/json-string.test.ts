import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonString } from '../../../src/observe/json-string.ts'

describe('jsonString', () => {
  test.each([
    ['plain', '"plain"'],
    ['', '""'],
    ['say "hi"\\', '"say \\"hi\\"\\\\"'],
    ['line\nfeed\0', '"line\\u000afeed\\u0000"'],
    ['\x7f', '"\\u007f"'],
    ['caf\xe9', '"caf\\u00e9"'],
    ['\u{1f600}', '"\\ud83d\\ude00"'],
  ])('writes %j', (text, json) => {
    expect(jsonString(text, 100)).toBe(json)
  })

  test('keeps a text that just fits', () => {
    expect(jsonString('0123456789', 10)).toBe('"0123456789"')
  })

  test('cuts a longer one and marks the cut', () => {
    expect(jsonString('0123456789a', 10)).toBe('"0123\\u2026"')
  })

  test('never cuts in the middle of an escape', () => {
    expect(jsonString('012\n456789a', 13)).toBe('"012\\u2026"')
  })

  test('is read back by JSON.parse as the same text', () => {
    const same = fc.property(fc.string({ unit: 'binary' }), (text) => JSON.parse(jsonString(text, 1e6)) === text)
    expect(fc.check(same).failed).toBe(false)
  })

  test('is always JSON in printable ASCII within its limit, and the beginning of its text', () => {
    const bounded = fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 6, max: 40 }), (text, max) => {
      const json = jsonString(text, max)
      const read: unknown = JSON.parse(json)
      const isBeginning = typeof read === 'string' && (read === text || text.startsWith(read.slice(0, -1)))
      return /^[ -~]*$/.test(json) && json.length <= max + 2 && isBeginning
    })
    expect(fc.check(bounded).failed).toBe(false)
  })
})
