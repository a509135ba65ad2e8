import { z } from 'zod'
import { parseBytes, parseDurationMs } from '../../util/duration.ts'
import { InvalidValue } from '../invalid-value.ts'

/** Text that `parse` turns into what the program needs, or refuses with an InvalidValue. */
export function parsedText<T>(parse: (text: string) => T) {
  return z.string().transform((text, context) => settle(() => parse(text), { context, input: text }))
}

/** For JSON Schema; what is a duration or a size is decided when it is parsed. */
export const durationPattern = String.raw`^\d+(\.\d+)?(ms|s|m|h)$|^0$|\$\{`
export const sizePattern = String.raw`^\d+(\.\d+)?(B|KiB|MiB|GiB)$|^\d+$|\$\{`

interface DurationLimits {
  /** True where zero means something. */
  readonly zero: boolean
}

// setTimeout takes 31 bits; anything longer fires at once.
const longestDurationMs = 24 * 24 * 3_600_000

/** `250ms`, `5s`, `1m`, `1h`, at most 24 days; milliseconds once parsed. */
export function duration({ zero }: DurationLimits = { zero: false }) {
  const expected = 'expected a duration such as 250ms, 5s, 1m or 1h'
  return z
    .union([z.string(), z.number()], { error: expected })
    .transform((written, context) => settle(() => toDurationMs(written, zero, expected), { context, input: written }))
    .meta({ pattern: durationPattern })
}

function toDurationMs(written: string | number, zero: boolean, expected: string): number {
  const ms = parseDurationMs(String(written))
  if (ms === null) {
    const isBareNumber = /^\d+(\.\d+)?$/.test(String(written))
    throw new InvalidValue(
      `${expected}, got ${JSON.stringify(written)}`,
      isBareNumber ? `write "${written}s"` : undefined,
    )
  }
  if (ms === 0 && !zero) throw new InvalidValue('must be longer than 0', 'for practically no limit write 24h')
  if (ms > longestDurationMs) throw new InvalidValue('must be at most 24 days', 'write 576h for that')
  return ms
}

/** `64KiB`, `1MiB` or a plain number of bytes; bytes once parsed. */
export function size(limits: { min: number; max: number }) {
  const expected = 'expected a size such as 64KiB or 1MiB, or a number of bytes'
  return z
    .union([z.string(), z.number()], { error: expected })
    .transform((written, context) => settle(() => toBytes(written, limits, expected), { context, input: written }))
    .meta({ pattern: sizePattern })
}

function toBytes(written: string | number, limits: { min: number; max: number }, expected: string): number {
  const isBareNumber = /^\d+$/.test(String(written))
  const bytes = isBareNumber ? Number(written) : parseBytes(String(written))
  if (bytes === null) {
    const decimal = /^(\d+)\s*([kmg])i?b?$/i.exec(String(written))
    const hint = decimal === null ? undefined : `write "${decimal[1]}${decimal[2]?.toUpperCase()}iB"`
    throw new InvalidValue(`${expected}, got ${JSON.stringify(written)}`, hint)
  }
  if (bytes < limits.min) throw new InvalidValue(`must be at least ${limits.min} bytes`)
  if (bytes > limits.max) throw new InvalidValue(`must be at most ${limits.max} bytes`)
  return bytes
}

export function integer(min: number, max: number) {
  return z.int().min(min).max(max)
}

/** Names of listeners, sources and services: they become metric labels, log fields and parts of URLs. */
export function name() {
  return parsedText(parseName)
}

/** A service's name in its registry: some have slashes in it. */
export function registryName() {
  return parsedText((text) => {
    if (/^[^\s\p{C}]{1,255}$/u.test(text)) return text
    throw new InvalidValue('a name in a registry is 1 to 255 characters without spaces or control characters')
  })
}

export function parseName(text: string): string {
  if (/^[^\s/\p{C}]{1,255}$/u.test(text)) return text
  throw new InvalidValue('a name is 1 to 255 characters without spaces, slashes or control characters')
}

/** The result of `parse`; an InvalidValue becomes an issue at `path` below the value that is being transformed. */
export function settle<T>(
  parse: () => T,
  at: { context: z.RefinementCtx; path?: readonly string[]; input: unknown },
): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    const { context, path = [], input } = at
    context.addIssue({ code: 'custom', message: error.message, params: { hint: error.hint }, path: [...path], input })
    return z.NEVER
  }
}
