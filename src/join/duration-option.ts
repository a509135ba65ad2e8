import { parseDurationMs } from '../util/duration.ts'
import { RegisterError } from './register-error.ts'
import type { DurationInput } from './register-options.ts'

/**
 * The milliseconds of an option, or its default where it is left out.
 * @throws RegisterError `invalid`
 */
export function durationOption(option: string, value: DurationInput | undefined, defaultMs: number): number {
  if (value === undefined) return defaultMs
  const ms = typeof value === 'number' ? value : parseDurationMs(value)
  if (ms !== null && Number.isFinite(ms) && ms >= 0) return ms
  throw new RegisterError(
    'invalid',
    `\`${option}\` is a time such as "15s" or milliseconds, not ${JSON.stringify(value)}`,
  )
}
