import type { SettledExchange } from '../core/exchange.ts'
import { jsonString } from './json-string.ts'
import { isoTime } from './iso-time.ts'

/** What an access log writes to; a LogWriter. */
export interface LineWriter {
  write(line: string): void
}

/** Longest value of a field, escapes included. Together with the rest of a line they stay under 4096 bytes. */
const limits = { name: 128, id: 256, url: 1024, field: 320 }

/**
 * Writes one line per settled exchange, in the shape and order of the logger's lines: level, time, fields, msg. Every field
 * is in every line, null where there is nothing to say; long values are cut.
 *
 * Authorization and cookies are never logged. The query is, as part of `url`: an API that takes secrets there has them in
 * its log.
 */
export function createAccessLog(writer: LineWriter, now: () => number = Date.now): (exchange: SettledExchange) => void {
  const time = isoTime(now)
  return (exchange) => writer.write(accessLine(exchange, time()))
}

/** Built by hand: this runs for every request, and JSON.stringify or pino cost several times as much. */
function accessLine(exchange: SettledExchange, time: string): string {
  return (
    `{"level":"info","time":"${time}"` +
    `,"requestId":${jsonString(exchange.requestId, limits.name)}` +
    `,"client":${jsonString(exchange.clientAddress, limits.name)}` +
    `,"listener":${jsonString(exchange.listener, limits.name)}` +
    `,"method":${jsonString(exchange.method, limits.name)}` +
    `,"host":${jsonString(exchange.host, limits.id)}` +
    `,"url":${jsonString(exchange.url, limits.url)}` +
    `,"status":${exchange.status}` +
    `,"failure":${exchange.failure === null ? 'null' : `"${exchange.failure}"`}` +
    `,"route":${orNull(exchange.routeId, limits.id)}` +
    `,"service":${orNull(exchange.serviceName, limits.name)}` +
    `,"endpoint":${exchange.endpoint === null ? 'null' : jsonString(exchange.endpoint.id, limits.id)}` +
    `,"attempts":${exchange.attempts}` +
    `,"requestBytes":${exchange.requestBytes}` +
    `,"responseBytes":${exchange.responseBytes}` +
    `,"durationMs":${jsonNumber(Math.round(exchange.durationMs * 1000) / 1000)}` +
    `,"userAgent":${orNull(exchange.header('user-agent'), limits.field)}` +
    `,"referer":${orNull(exchange.header('referer'), limits.field)}` +
    `,"msg":"request"}\n`
  )
}

function orNull(text: string | null, maxLength: number): string {
  return text === null ? 'null' : jsonString(text, maxLength)
}

function jsonNumber(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
