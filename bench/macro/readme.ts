const start = '<!-- bench:start -->'
const end = '<!-- bench:end -->'

/** Puts text between the bench's markers of a page; null when it has no such markers, in this order. */
export function replaceBetweenMarkers(page: string, text: string): string | null {
  const from = page.indexOf(start)
  const to = page.indexOf(end)
  if (from === -1 || to < from) return null
  return `${page.slice(0, from + start.length)}\n${text}\n${page.slice(to)}`
}
