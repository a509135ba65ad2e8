const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y

/**
 * Milliseconds of a duration as Go writes it (`10s`, `1m30s`, `1.5h`, `-2s`, `0`), which is how Consul's API spells them.
 * Undefined where it is not one: a bare number other than 0 lacks its unit.
 */
export function parseGoDuration(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1
  const rest = /^[-+]/.test(text) ? text.slice(1) : text
  if (rest === '0') return 0
  let totalMs = 0
  let at = 0
  while (at < rest.length) {
    part.lastIndex = at
    const match = part.exec(rest)
    if (!match) return undefined
    totalMs += Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0)
    at = part.lastIndex
  }
  return rest === '' ? undefined : sign * totalMs
}
