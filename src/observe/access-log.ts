import type { LoggedFields, SettledExchange } from '../core/exchange.ts'
import { flat } from '../util/latin1.ts'
import { jsonString } from './json-string.ts'
import { isoTime } from './iso-time.ts'

/** What an access log writes to; a LogWriter. */
export interface LineWriter {
  write(line: string): void
}

/** Longest value of a field, escapes included. Together with the rest of a line they stay under 4096 bytes. */
const limits = { name: 128, id: 256, url: 1024, field: 320 }
const maxIds = 4096
const maxWholeUs = 2 ** 30

/**
 * Writes one line per settled exchange, in the shape and order of the logger's lines: level, time, fields, msg. Every field
 * is in every line, null where there is nothing to say; long values are cut.
 *
 * Authorization and cookies are never logged. The query is, as part of `url`: an API that takes secrets there has them in
 * its log.
 */
export function createAccessLog(writer: LineWriter, now: () => number = Date.now): (exchange: SettledExchange) => void {
  const time = isoTime(now)
  const known = new KnownIds()
  return (exchange) => writer.write(accessLine(exchange, time(), known))
}

/**
 * Built by hand: this runs for every request, and JSON.stringify or pino cost several times as much. Few pieces: what repeats from
 * request to request is escaped once.
 */
function accessLine(exchange: SettledExchange, time: string, known: KnownIds): string {
  const logged = (exchange.logged ??= loggedFields(exchange))
  const { method, host, routeId, serviceName, endpoint, failure } = exchange
  if (method !== logged.method || host !== logged.host) ask(logged, method, host)
  if (routeId !== logged.routeId || serviceName !== logged.serviceName) route(logged, routeId, serviceName)
  return (
    `{"level":"info","time":"${time}","requestId":${jsonString(exchange.requestId, limits.name)}${logged.client}${logged.asked}` +
    `${jsonString(exchange.url, limits.url)},"status":${exchange.status}` +
    `,"failure":${failure === null ? 'null' : `"${failure}"`}${logged.routed}` +
    (endpoint === null ? 'null' : known.idOf(endpoint.id)) +
    `,"attempts":${exchange.attempts},"requestBytes":${exchange.requestBytes},"responseBytes":${exchange.responseBytes}` +
    `,"durationMs":${milliseconds(exchange.durationMs)}${logged.fields}`
  )
}

function loggedFields(exchange: SettledExchange): LoggedFields {
  const client = jsonString(exchange.clientAddress, limits.name)
  const listener = jsonString(exchange.listener, limits.name)
  const userAgent = orNull(exchange.header('user-agent'), limits.field)
  const referer = orNull(exchange.header('referer'), limits.field)
  const logged: LoggedFields = {
    client: flat(`,"client":${client},"listener":${listener}`),
    fields: flat(`,"userAgent":${userAgent},"referer":${referer},"msg":"request"}\n`),
    method: exchange.method,
    host: exchange.host,
    asked: '',
    routeId: exchange.routeId,
    serviceName: exchange.serviceName,
    routed: '',
  }
  ask(logged, exchange.method, exchange.host)
  route(logged, exchange.routeId, exchange.serviceName)
  return logged
}

function ask(logged: LoggedFields, method: string, host: string): void {
  logged.method = method
  logged.host = host
  logged.asked = flat(`,"method":${jsonString(method, limits.name)},"host":${jsonString(host, limits.id)},"url":`)
}

function route(logged: LoggedFields, routeId: string | null, serviceName: string | null): void {
  logged.routeId = routeId
  logged.serviceName = serviceName
  logged.routed = flat(
    `,"route":${orNull(routeId, limits.id)},"service":${orNull(serviceName, limits.name)},"endpoint":`,
  )
}

function orNull(text: string | null, maxLength: number): string {
  return text === null ? 'null' : jsonString(text, maxLength)
}

/** With three decimals at most: of whole numbers, which are much faster to write than fractions. */
function milliseconds(ms: number): string | null {
  const us = Math.round(ms * 1000)
  if (!Number.isFinite(us)) return null
  if (us < 0 || us > maxWholeUs) return String(us / 1000)
  const whole = Math.trunc(us / 1000)
  const rest = us - whole * 1000
  if (rest === 0) return String(whole)
  const digits = rest % 10 !== 0 ? rest : rest % 100 !== 0 ? rest / 10 : rest / 100
  const zeros = rest < 10 ? '00' : rest < 100 ? '0' : ''
  return `${whole}.${zeros}${digits}`
}

/** JSON strings of endpoints' ids. */
class KnownIds {
  readonly #ids = new Map<string, string>()

  idOf(id: string): string {
    const known = this.#ids.get(id)
    if (known !== undefined) return known
    // Endpoints come and go.
    if (this.#ids.size === maxIds) this.#ids.clear()
    const json = flat(jsonString(id, limits.id))
    this.#ids.set(id, json)
    return json
  }
}
