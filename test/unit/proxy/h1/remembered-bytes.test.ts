import { expect, test } from 'vitest'
import { RememberedBytes } from '../../../../src/proxy/h1/remembered-bytes.ts'

const text = Buffer.from('..first..first..other')

test('knows bytes that come again, wherever they stand', () => {
  const remembered = new RememberedBytes()
  remembered.set(text, 2, 7)

  expect(remembered.length).toBe(5)
  expect(remembered.isAt(text, 9, text.length)).toBe(true)
  expect(remembered.isAt(text, 9, 14)).toBe(true)
})

test.each([
  ['others stand there', 16, 21],
  ['they are cut off', 9, 13],
])('forgets them when %s', (_name, at, end) => {
  const remembered = new RememberedBytes()
  remembered.set(text, 2, 7)

  expect(remembered.isAt(text, at, end)).toBe(false)
  expect(remembered.length).toBe(0)
  expect(remembered.isAt(text, 9, text.length)).toBe(false)
})

test('rests for a while when nothing is repeated, then tries again', () => {
  const remembered = new RememberedBytes()
  let tried = 0
  for (let n = 0; n < 200; n++) {
    const message = Buffer.from(`message ${n}`)
    remembered.isAt(message, 0, message.length)
    remembered.set(message, 0, message.length)
    if (remembered.length > 0) tried++
  }

  expect(tried).toBeGreaterThan(16)
  expect(tried).toBeLessThan(40)
})

test('leaves very long ones alone', () => {
  const remembered = new RememberedBytes()
  remembered.set(Buffer.alloc(5000), 0, 5000)

  expect(remembered.length).toBe(0)
})
