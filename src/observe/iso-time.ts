/**
 * Formats now as ISO 8601 with milliseconds. Everything but the milliseconds is formatted once per second.
 *
 * @param now milliseconds since 1970
 */
export function isoTime(now: () => number): () => string {
  let second = NaN
  let prefix = ''
  return () => {
    const ms = Math.trunc(now())
    const current = Math.floor(ms / 1000)
    if (current !== second) {
      second = current
      prefix = new Date(current * 1000).toISOString().slice(0, -4)
    }
    const rest = ms - current * 1000
    return `${prefix}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`
  }
}
