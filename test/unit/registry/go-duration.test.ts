import { expect, it } from 'vitest'
import { parseGoDuration } from '../../../src/registry/go-duration.ts'

it.each([
  ['10s', 10_000],
  ['1m30s', 90_000],
  ['1.5h', 5_400_000],
  ['.5s', 500],
  ['250ms', 250],
  ['1500us', 1.5],
  ['1500µs', 1.5],
  ['1ns', 1e-6],
  ['-2s', -2000],
  ['+2s', 2000],
  ['0', 0],
])('reads %s as %d ms', (text, expected) => {
  expect(parseGoDuration(text)).toBeCloseTo(expected, 9)
})

it.each(['', '5', 's', '10 s', '10S', '10s!', '1m30', '--1s', '-', '.s', '1d', 'soon'])('refuses %j', (text) => {
  expect(parseGoDuration(text)).toBeUndefined()
})
