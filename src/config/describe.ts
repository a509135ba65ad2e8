import type { LoadedConfig } from './config.ts'

/** Keys whose values are never shown, wherever they stand. */
const secretKeys: ReadonlySet<string> = new Set(['token', 'password'])

/** Nothing but references to variables, without a default that says something. */
const onlyReferences = /^(?:\$\{[A-Za-z_][A-Za-z0-9_]*(?::-)?\})+$/

/** The configuration for people: as it was written, `${…}` not filled in, secrets redacted. */
export function describeConfig(loaded: LoadedConfig): { file: string; config: unknown } {
  return { file: loaded.file, config: redact(loaded.written) }
}

function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact)
  // Where a file's path belongs, somebody put what is in it.
  if (typeof value === 'string' && value.includes('PRIVATE KEY-----')) return '[redacted]'
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    secretKeys.has(key) ? conceal(inner) : redact(inner),
  ])
  return Object.fromEntries(entries) as unknown
}

function conceal(secret: unknown): unknown {
  const isShown = secret === null || (typeof secret === 'string' && (secret === '' || onlyReferences.test(secret)))
  return isShown ? secret : '[redacted]'
}
