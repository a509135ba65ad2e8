import { describe, expect, test } from 'vitest'
import { atomicBytes, openLogSink } from '../../../src/observe/log-sink.ts'
import { toLogLine } from '../../../src/observe/log-line.ts'
import { LogWriter } from '../../../src/observe/log-writer.ts'
import { createLogger, type LogLevel, type Logger } from '../../../src/observe/logger.ts'
import { openPipe } from './pipe.ts'

function logged(level: LogLevel, use: (logger: Logger) => void): string[] {
  using pipe = openPipe()
  const sink = openLogSink(pipe.writeEnd)
  const writer = new LogWriter(sink)
  use(createLogger(level, writer))
  writer.flushSync()
  sink.close()
  return pipe.read().split('\n').slice(0, -1)
}

describe('logger', () => {
  test('writes one JSON line with level, time, fields and the event', () => {
    const [line = ''] = logged('info', (logger) => logger.info({ service: 'users' }, 'watch started'))
    expect(JSON.parse(line)).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      service: 'users',
      msg: 'watch started',
    })
    expect(Object.keys(JSON.parse(line))).toEqual(['level', 'time', 'service', 'msg'])
  })

  test('leaves out what is below its level', () => {
    const lines = logged('warn', (logger) => {
      logger.info('not this')
      logger.error('but this')
    })
    expect(lines.map((line): unknown => JSON.parse(line).msg)).toEqual(['but this'])
  })

  test('shows an error with its type, message and stack', () => {
    const [line = ''] = logged('info', (logger) => logger.error({ err: new TypeError('no') }, 'broke'))
    expect(JSON.parse(line).err).toMatchObject({ type: 'TypeError', message: 'no', stack: expect.any(String) })
  })
})

describe('toLogLine', () => {
  test('leaves a short ASCII line as it is', () => {
    expect(toLogLine('{"msg":"ok"}\n')).toBe('{"msg":"ok"}\n')
  })

  test('escapes what is not ASCII, so that the text stays the same', () => {
    const line = toLogLine(`${JSON.stringify({ msg: 'Größe \u{1f600}' })}\n`)
    expect(line).toMatch(/^[ -~]+\n$/)
    expect(JSON.parse(line)).toEqual({ msg: 'Größe \u{1f600}' })
  })

  test('cuts the long values of a line that is too long, and says so', () => {
    const long = { level: 'error', n: 1, err: { stack: 'x'.repeat(9000) }, text: 'y'.repeat(9000), msg: 'broke' }
    const line = toLogLine(`${JSON.stringify(long)}\n`)
    expect(line.length).toBeLessThanOrEqual(atomicBytes)
    expect(JSON.parse(line)).toMatchObject({ level: 'error', n: 1, msg: 'broke', truncated: true })
    expect(JSON.parse(line).text).toMatch(/^y{100,}…$/)
    expect(JSON.parse(line).err).toMatch(/^\{"stack":"x+…$/)
  })

  test('keeps only the event of a line with too many fields', () => {
    const fields = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`field${i}`, 'value']))
    const line = toLogLine(`${JSON.stringify({ level: 'info', time: 'now', ...fields, msg: 'much' })}\n`)
    expect(JSON.parse(line)).toEqual({ level: 'info', time: 'now', msg: 'much', truncated: true })
  })
})
