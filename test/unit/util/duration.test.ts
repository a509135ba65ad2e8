import { describe, expect, it } from 'vitest'
import { parseBytes, parseDurationMs } from '../../../src/util/duration.ts'

describe('parseDurationMs', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['250ms', 250],
    ['5s', 5000],
    ['1m', 60_000],
    ['1.5h', 5_400_000],
    ['0.1ms', 0],
    ['0.5ms', 1],
  ])('reads %s as %i ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms)
  })

  it.each([
    '',
    '5',
    '5 s',
    ' 5s',
    '5s ',
    '-5s',
    '+5s',
    '5S',
    '1d',
    '5sec',
    '1m30s',
    '.5s',
    '5.s',
    '1e3ms',
    '0x5s',
    '٥s',
    '5s\n',
  ])('takes %j for no duration', (text) => {
    expect(parseDurationMs(text)).toBeNull()
  })
})

describe('parseBytes', () => {
  it.each([
    ['0', 0],
    ['512B', 512],
    ['64KiB', 65_536],
    ['1MiB', 1_048_576],
    ['1.5GiB', 1_610_612_736],
  ])('reads %s as %i bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  it.each(['', '64', '64KB', '64K', '64kib', '-1B', '1 MiB', '5s'])('takes %j for no size', (text) => {
    expect(parseBytes(text)).toBeNull()
  })
})
