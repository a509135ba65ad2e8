import { z } from 'zod'
import type { JsonObject } from './contract.ts'
import { shown } from './instance.ts'

/** Go writes what is empty as null, or leaves it out. */
export const text = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined)

/** Metadata of any JSON: texts, numbers and truth values are kept, as texts; what is nested, or no object at all, is not. */
export const meta = z
  .unknown()
  .optional()
  .transform((value): Readonly<Record<string, string>> => {
    if (!isJsonObject(value)) return {}
    const plain = Object.entries(value).filter(([, inner]) => ['string', 'number', 'boolean'].includes(typeof inner))
    return Object.fromEntries(plain.map(([key, inner]) => [key, String(inner)]))
  })

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object, or why there is none. */
export function parseObject(written: string): JsonObject | string {
  try {
    const value: unknown = JSON.parse(written)
    return isJsonObject(value) ? value : `${shown(written)} is not a JSON object`
  } catch {
    return `${shown(written)} is not JSON`
  }
}

/** What is wrong with a value, by its first fault. */
export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  return issue === undefined ? 'it can not be read' : `${issue.path.join('.')}: ${issue.message}`
}
