import { pino, type Level, type Logger as PinoLogger } from 'pino'
import { toLogLine } from './log-line.ts'
import type { LogWriter } from './log-writer.ts'

export type LogLevel = Level | 'silent'
export type Logger = PinoLogger

/**
 * The logger of the control plane: one JSON line per event with `level` as a word, `time` in ISO 8601 and the event in
 * `msg`; an `err` field becomes its type, message and stack. Process id and host name are left to whoever collects lines.
 */
export function createLogger(level: LogLevel, writer: LogWriter): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => writer.write(toLogLine(line)) },
  )
}
