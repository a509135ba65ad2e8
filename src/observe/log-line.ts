import { jsonString, unicodeEscape } from './json-string.ts'
import { atomicBytes } from './log-sink.ts'

const maxFieldLength = 400

/**
 * A JSON line as a log writer takes it: in ASCII, and short enough to stay whole among those of other threads. Long values
 * of a line that is too long are cut; when that is not enough only its level, time and message are left.
 */
export function toLogLine(json: string): string {
  const ascii = json.replaceAll(/[^\0-\x7e]/g, unicodeEscape)
  if (ascii.length <= atomicBytes) return ascii
  const fields: [string, unknown][] = Object.entries(JSON.parse(ascii))
  const cut = formatLine(fields)
  if (cut.length <= atomicBytes) return cut
  return formatLine(fields.filter(([key]) => key === 'level' || key === 'time' || key === 'msg'))
}

function formatLine(fields: readonly (readonly [string, unknown])[]): string {
  const parts = fields.map(([key, value]) => `${jsonString(key, maxFieldLength)}:${formatValue(value)}`)
  return `{${[...parts, '"truncated":true'].join(',')}}\n`
}

/** Objects that are too long are shown as the beginning of their JSON text. */
function formatValue(value: unknown): string {
  if (typeof value === 'string') return jsonString(value, maxFieldLength)
  const json = JSON.stringify(value)
  return json.length <= maxFieldLength ? json : jsonString(json, maxFieldLength)
}
