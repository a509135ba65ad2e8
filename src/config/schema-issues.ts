import type { z } from 'zod'
import type { Path, Problem } from './finding.ts'
import { configJsonSchema, type JsonSchema, knownKeys } from './json-schema.ts'
import { didYouMean } from '../util/suggest.ts'

type Issue = z.core.$ZodIssue

const unworded = 'Invalid input'

/** What the schema found, in our words. `tree` is what it looked at. */
export function describeIssues(issues: readonly Issue[], tree: unknown): Problem[] {
  const schema = configJsonSchema()
  return issues.flatMap((issue) => describe(issue, { schema, tree, base: [] }))
}

interface Looking {
  readonly schema: JsonSchema
  readonly tree: unknown
  /** Issues inside a union have paths from there on. */
  readonly base: Path
}

function describe(issue: Issue, looking: Looking): Problem[] {
  const path = pathOf(issue, looking.base)
  const value = valueAt(looking.tree, path)
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(looking.schema, path, looking.tree)
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: 'unknown key',
        atKey: true,
        ...(elsewhere[`${path.at(-1)}.${key}`] ?? didYouMean(key, known)),
      }))
    }
    case 'invalid_type':
      if (path.length === 0 && value === null) return [emptyFile]
      return [{ path, ...describeType(issue.expected, value) }]
    case 'invalid_value':
      return [{ path, ...describeChoice(issue.values.map(String), value) }]
    case 'invalid_union':
      return describeUnion(issue, path, looking)
    case 'invalid_key':
      return issue.issues.map((inner) => ({ path, atKey: true, ...ownWords(inner) }))
    case 'too_small':
      return [{ path, message: outOfRange('least', Number(issue.minimum), issue.origin) }]
    case 'too_big':
      return [{ path, message: outOfRange('most', Number(issue.maximum), issue.origin) }]
    default:
      return [{ path, ...ownWords(issue) }]
  }
}

function ownWords(issue: Issue): { message: string; hint?: string } {
  const hint: unknown = issue.code === 'custom' ? issue.params?.['hint'] : undefined
  return { message: issue.message, ...(typeof hint === 'string' && { hint }) }
}

/** Keys that users of other proxies look for in another place than ours. */
const elsewhere: Readonly<Record<string, { readonly hint: string }>> = {
  'retry.budget': {
    hint: 'all routes to a service share one: write `retryBudget: { percent, perSecond }` on the service',
  },
}

const emptyFile: Problem = {
  path: [],
  message: 'this configuration is empty',
  hint: 'it needs `routes`, if only as []',
}

const nouns: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
}

function describeType(expected: string, value: unknown): { message: string; hint?: string } {
  if (value === undefined) return { message: 'is required' }
  const message = `expected ${nouns[expected] ?? expected}, got ${kindOf(value)}`
  if (value === null) return { message, hint: 'give it a value or leave the key out' }
  if (expected === 'array') return { message, hint: 'put it into [ ]' }
  if (expected === 'string' && typeof value !== 'object') return { message, hint: 'put it into quotes' }
  return { message }
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map of keys'
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : String(value)
  return typeof value === 'boolean' ? String(value) : 'text'
}

function describeChoice(choices: readonly string[], value: unknown): { message: string; hint?: string } {
  const list = choices.length === 1 ? choices.join() : `one of ${choices.join(', ')}`
  if (value === undefined) return { message: `is required: ${list}` }
  if (typeof value !== 'string') return { message: `expected ${list}, got ${kindOf(value)}` }
  return { message: `expected ${list}, got ${JSON.stringify(value)}`, ...didYouMean(value, choices) }
}

/** Says what is wrong with the alternative whose kind (text, list, map) the value has. */
function describeUnion(issue: z.core.$ZodIssueInvalidUnion, path: Path, looking: Looking): Problem[] {
  if (issue.discriminator !== undefined) {
    const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : []
    return [{ path, ...describeChoice(options, valueAt(looking.tree, path)) }]
  }
  if (issue.message !== unworded) return [{ path, message: `${issue.message}${got(valueAt(looking.tree, path))}` }]
  const meant = issue.errors.find((issues) => !issues.some(isAboutKind))
  if (meant !== undefined) return meant.flatMap((inner) => describe(inner, { ...looking, base: path }))
  const kinds = issue.errors.flat().flatMap((inner) => (inner.code === 'invalid_type' ? [inner.expected] : []))
  const expected = kinds.map((kind) => nouns[kind] ?? kind).join(' or ')
  return [{ path, message: `expected ${expected}, got ${kindOf(valueAt(looking.tree, path))}` }]
}

function isAboutKind(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0
}

function got(value: unknown): string {
  return value === undefined ? '' : `, got ${typeof value === 'string' ? JSON.stringify(value) : kindOf(value)}`
}

function outOfRange(side: 'least' | 'most', limit: number, origin: string): string {
  if (origin === 'array') return `needs at ${side} ${limit} ${limit === 1 ? 'entry' : 'entries'}`
  if (origin === 'string')
    return side === 'least' && limit === 1 ? 'must not be empty' : `needs at ${side} ${limit} characters`
  return `must be at ${side} ${limit}`
}

interface Scalar {
  readonly path: Path
  readonly value: number | boolean
}

/** Texts that stand where the schema wants a number or a boolean, and read as one. */
export function findTextsForScalars(issues: readonly Issue[], tree: unknown): Scalar[] {
  return flatten(issues, []).flatMap(({ issue, path }): Scalar[] => {
    const text = valueAt(tree, path)
    if (issue.code !== 'invalid_type' || typeof text !== 'string') return []
    const isNumber = ['number', 'int'].includes(issue.expected) && /^-?\d+(\.\d+)?$/.test(text)
    if (isNumber) return [{ path, value: Number(text) }]
    const isBoolean = issue.expected === 'boolean' && (text === 'true' || text === 'false')
    return isBoolean ? [{ path, value: text === 'true' }] : []
  })
}

function flatten(issues: readonly Issue[], base: Path): { issue: Issue; path: Path }[] {
  return issues.flatMap((issue) => {
    const path = pathOf(issue, base)
    return issue.code === 'invalid_union' ? issue.errors.flatMap((inner) => flatten(inner, path)) : [{ issue, path }]
  })
}

function pathOf(issue: Issue, base: Path): Path {
  return [...base, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))]
}

function valueAt(tree: unknown, path: Path): unknown {
  let value = tree
  for (const part of path) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined
  }
  return value
}
