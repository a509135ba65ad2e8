const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const unitBytes: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** `250ms`, `5s`, `1m`, `1.5h` or a bare `0` in milliseconds; null when the text is no duration. */
export function parseDurationMs(text: string): number | null {
  return parseQuantity(text, /^(\d+(?:\.\d+)?)(ms|s|m|h)$/, unitMs)
}

/** `512B`, `64KiB`, `1MiB`, `2GiB` or a bare `0` in bytes; null when the text is no size. */
export function parseBytes(text: string): number | null {
  return parseQuantity(text, /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/, unitBytes)
}

function parseQuantity(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | null {
  if (text === '0') return 0
  const found = pattern.exec(text)
  if (found === null) return null
  return Math.round(Number(found[1]) * (units[found[2] as string] as number))
}
