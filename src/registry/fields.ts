import { ApiError } from './api-error.ts'
import { parseGoDuration } from './go-duration.ts'

/** Node's timers hold no more, and fire at once when asked to: about 24.8 days. */
const longestTimerMs = 2 ** 31 - 1

/**
 * Reads a JSON object the way Consul's decoder does: names in any case, underscores ignored, null like absent, absent like empty,
 * and an unknown name refused. Each reader throws an `ApiError` 400 that names the place.
 */
export class Fields {
  readonly #place: string
  readonly #values = new Map<string, { name: string; value: unknown }>()
  readonly #known = new Set<string>()

  /** `place` prefixes field names in errors, for example `Check.`. */
  constructor(json: unknown, place = '') {
    this.#place = place
    if (json === null || json === undefined) return
    if (typeof json !== 'object' || Array.isArray(json)) throw decodeError(`${place || 'the body'} must be an object`)
    for (const [name, value] of Object.entries(json)) this.#values.set(normalise(name), { name, value })
  }

  /** Whether the field is there and not null. */
  has(name: string): boolean {
    return (this.#values.get(normalise(name))?.value ?? null) !== null
  }

  string(name: string): string {
    const value = this.#take(name) ?? ''
    if (typeof value !== 'string') throw this.#wrong(name, 'a string')
    return value
  }

  integer(name: string): number {
    const value = this.#take(name) ?? 0
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw this.#wrong(name, 'an integer')
    return value
  }

  boolean(name: string): boolean {
    const value = this.#take(name) ?? false
    if (typeof value !== 'boolean') throw this.#wrong(name, 'true or false')
    return value
  }

  /** A Go duration, or nanoseconds as a number; in milliseconds, 0 where absent. */
  durationMs(name: string): number {
    const value = this.#take(name) ?? 0
    const durationMs = typeof value === 'string' ? parseGoDuration(value || '0') : value
    if (typeof durationMs !== 'number') throw this.#wrong(name, 'a duration such as "10s"')
    return Math.min(typeof value === 'string' ? durationMs : durationMs / 1e6, longestTimerMs)
  }

  strings(name: string): string[] {
    const value = this.#take(name) ?? []
    if (!isArrayOfStrings(value)) throw this.#wrong(name, 'a list of strings')
    return value
  }

  /** The object's own entries, or null where absent; `read` turns each value into its type. */
  entries<Value>(name: string, read: (value: unknown, place: string) => Value): Record<string, Value> | null {
    const value = this.#take(name) ?? null
    if (value === null) return null
    if (typeof value !== 'object' || Array.isArray(value)) throw this.#wrong(name, 'an object')
    // Not by assignment, which for the key `__proto__` would do something else.
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, read(entry, `${this.#place}${name}.${key}`)]),
    )
  }

  /** Null where the object is absent. */
  object(name: string): Fields | null {
    const value = this.#take(name) ?? null
    return value === null ? null : new Fields(value, `${this.#place}${name}.`)
  }

  objects(name: string): Fields[] {
    const value = this.#take(name) ?? []
    if (!Array.isArray(value)) throw this.#wrong(name, 'a list of objects')
    return value.map((entry, index) => new Fields(entry, `${this.#place}${name}[${index}].`))
  }

  /** Whether any field is set: Consul takes an empty object for an absent one. */
  get isEmpty(): boolean {
    return this.#values.size === 0
  }

  /** Refuses a field that Consul has and this registry lacks, unless it says nothing. */
  refuse(name: string, instead: string): void {
    const value = this.#take(name) ?? ''
    if (value === '' || value === false || (Array.isArray(value) && value.length === 0)) return
    throw new ApiError(400, `${this.#place}${name} is not supported by this registry. ${instead}`)
  }

  /** Clients of Consul's paid edition name the default, which is all there is here. */
  refuseEnterprise(): void {
    for (const name of ['Namespace', 'Partition']) {
      if (!['', 'default'].includes(this.string(name)))
        throw new ApiError(400, `${this.#place}${name} must be "default"`)
    }
  }

  /** Refuses whatever no reader above asked for. */
  refuseUnknown(): void {
    for (const [key, { name }] of this.#values) {
      if (!this.#known.has(key)) throw decodeError(`json: unknown field "${this.#place}${name}"`)
    }
  }

  #take(name: string): unknown {
    const key = normalise(name)
    this.#known.add(key)
    return this.#values.get(key)?.value
  }

  #wrong(name: string, expected: string): ApiError {
    return decodeError(`${this.#place}${name} must be ${expected}`)
  }
}

export function decodeError(reason: string): ApiError {
  return new ApiError(400, `Request decode failed: ${reason}`)
}

function normalise(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

export function isArrayOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}
