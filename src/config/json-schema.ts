import { z } from 'zod'
import type { Path } from './finding.ts'
import { configSchema } from './schema.ts'

/** The part of JSON Schema 2020-12 that the configuration's schema uses. */
export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly const?: string
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly maxItems?: number
  readonly pattern?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
}

const environmentRef = '#/$defs/environment'

/** What editors check configuration files with: the input of `configSchema`, and `${…}` wherever a scalar may stand. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      showFallback(jsonSchema)
      allowEnvironment(jsonSchema)
    },
  })
  return {
    title: 'Tidegate configuration',
    ...(schema as JsonSchema),
    $defs: {
      environment: { description: 'Filled in from the environment.', type: 'string', pattern: String.raw`\$\{` },
    },
  } as JsonSchema
}

/** Defaults that are filled in after parsing; zod itself drops `default` beside a transform. */
function showFallback(schema: Record<string, unknown>): void {
  if (!('fallback' in schema)) return
  schema['default'] = schema['fallback']
  delete schema['fallback']
}

/** Numbers, booleans and words of a list may also be written as `${…}`; texts can hold it anyway. */
function allowEnvironment(schema: Record<string, unknown>): void {
  const isScalar = ['integer', 'number', 'boolean'].includes(String(schema['type'])) || 'enum' in schema
  if (!isScalar) return
  const { description, default: fallback, ...rest } = schema
  for (const key of Object.keys(schema)) delete schema[key]
  if (description !== undefined) schema['description'] = description
  if (fallback !== undefined) schema['default'] = fallback
  schema['anyOf'] = [rest, { $ref: environmentRef }]
}

/** True for the alternative that stands for `${…}`. */
export function isEnvironment(schema: JsonSchema): boolean {
  return schema.$ref === environmentRef
}

/** The keys that an object at `path` may have; of all alternatives that its own values don't rule out. */
export function knownKeys(schema: JsonSchema, path: Path, tree: unknown): readonly string[] {
  let reached: readonly JsonSchema[] = alternatives(schema, tree)
  let value = tree
  for (const part of path) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined
    reached = reached.flatMap((at) => alternativesBelow(at, part, value))
  }
  return reached.flatMap((at) => Object.keys(at.properties ?? {}))
}

function alternativesBelow(schema: JsonSchema, part: string | number, value: unknown): readonly JsonSchema[] {
  const rest = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  const below = typeof part === 'number' ? schema.items : (schema.properties?.[part] ?? rest)
  return below === undefined ? [] : alternatives(below, value)
}

function alternatives(schema: JsonSchema, value: unknown): readonly JsonSchema[] {
  const several = schema.anyOf ?? schema.oneOf
  if (several !== undefined) return several.flatMap((one) => alternatives(one, value))
  const isRuledOut = Object.entries(schema.properties ?? {}).some(
    ([key, { const: only }]) => only !== undefined && (value as Record<string, unknown> | undefined)?.[key] !== only,
  )
  return isRuledOut ? [] : [schema]
}
