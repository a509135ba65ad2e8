import { isEnvironment, type JsonSchema } from '../../src/config/json-schema.ts'
import { nameOf, notBuilt } from '../../src/config/not-built.ts'
import { durationPattern, sizePattern } from '../../src/config/schema/fields.ts'

const introduction = `# Configuration

One file: YAML, JSON, or TypeScript (\`export default defineConfig({ … })\` from \`tidegate\`; plain values, no functions).
Generated from the schema by \`npm run docs\`; \`config/tidegate.schema.json\` says the same to editors, and
\`config/tidegate.yaml\` is a commented file with every key.

- \`tidegate check FILE\` lists all findings with line and column. Unknown keys are errors.
- Durations: \`250ms\`, \`5s\`, \`1m\`, \`1h\`, at most 24 days. Sizes: \`64KiB\`, \`1MiB\`, or a number of bytes.
- \`\${NAME}\` and \`\${NAME:-default}\` are filled in from the environment: in values, after parsing, once. \`:-\` also stands in for
  an empty variable. A variable that is not set and has no default is an error. \`$$\` is a dollar. Where a number or a
  boolean is wanted, the text is read as one.
- YAML anchors, aliases and merge keys (\`<<\`) work. A TypeScript file and what it imports by relative path run again on
  every reload; of these only the file itself is watched.
- Certificates and keys are named by paths relative to the file, and watched like it. See [TLS](../guides/tls.md).
- A route's name in metrics and logs is its host and path (\`billing.example.com/\`, \`/api/users\`). Where several routes share
  both, those with conditions name them, too: \`/api/users GET,POST x-beta=1\`.
`

/** The reference page of all keys. */
export function renderConfigPage(schema: JsonSchema): string {
  const sections = Object.entries(schema.properties ?? {})
    .filter(([key]) => key !== '$schema')
    .map(([key, section]) => renderSection(key, section, schema.required?.includes(key) ?? false))
  return [introduction, ...sections, renderNotBuilt()].join('\n')
}

function renderSection(key: string, section: JsonSchema, isRequired: boolean): string {
  const rows = keysBelow(section, '')
  const summary = [
    section.description ?? '',
    rows.length === 0 ? `Value: ${valueOf(section)}.` : '',
    defaultLine(section),
  ]
  const lines = [`## ${key}${isRequired ? ' (required)' : ''}`, '', summary.filter((part) => part !== '').join(' '), '']
  if (rows.length === 0) return lines.join('\n')
  return [...lines, '| key | value | default | meaning |', '|---|---|---|---|', ...rows, ''].join('\n')
}

function defaultLine({ default: fallback }: JsonSchema): string {
  const isEmpty = typeof fallback === 'object' && fallback !== null && Object.keys(fallback).length === 0
  return fallback === undefined || isEmpty ? '' : `Default: \`${JSON.stringify(fallback)}\`.`
}

/** One row per key, however deep; the keys of `defaults` are those of services and routes, and stand there. */
function keysBelow(schema: JsonSchema, prefix: string): string[] {
  return variantsOf(schema).flatMap((variant) => {
    const named = Object.entries(variant.properties ?? {}).flatMap(([key, below]) =>
      rowsOf(`${prefix}${key}`, below, variant.required?.includes(key) ?? false),
    )
    const item =
      variant.items ?? (typeof variant.additionalProperties === 'object' ? variant.additionalProperties : null)
    const mark = variant.items === undefined ? '*.' : ''
    return item === null ? named : [...named, ...keysBelow(item, `${prefix}${mark}`)]
  })
}

function rowsOf(key: string, schema: JsonSchema, isRequired: boolean): string[] {
  const below =
    ['service', 'route'].includes(key) && schema.properties !== undefined ? [] : keysBelow(schema, `${key}.`)
  const hasRows = below.length > 0
  const fallback = isRequired ? 'required' : shownDefault(schema, hasRows)
  const cells = [`\`${key}\``, hasRows ? '' : valueOf(schema), fallback, schema.description ?? '']
  return [`| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`, ...below]
}

function shownDefault({ default: fallback }: JsonSchema, hasRows: boolean): string {
  return fallback === undefined || hasRows ? '' : `\`${JSON.stringify(fallback).replace(/^"(.+)"$/, '$1')}\``
}

function variantsOf(schema: JsonSchema): readonly JsonSchema[] {
  return (schema.anyOf ?? schema.oneOf ?? [schema]).filter((variant) => !isEnvironment(variant))
}

function valueOf(schema: JsonSchema): string {
  if (schema.pattern === durationPattern) return 'duration'
  if (schema.pattern === sizePattern) return 'size'
  if (schema.anyOf ?? schema.oneOf) return [...new Set(variantsOf(schema).map(valueOf))].join(' or ')
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${String(word)}\``).join(', ')
  if (schema.type === 'integer') return `${schema.minimum} to ${schema.maximum}`
  if (schema.type === 'array') return schema.maxItems === 0 ? '`[]`' : `list of ${valueOf(schema.items ?? {})}`
  if (schema.type === 'object') return 'map'
  if (schema.type === 'string') return 'text'
  return Array.isArray(schema.type) ? schema.type.map((type) => valueOf({ type })).join(' or ') : String(schema.type)
}

function renderNotBuilt(): string {
  const lines = notBuilt.map((feature) => `- ${nameOf(feature)}`)
  return ['## Not built yet', '', 'Where a file asks for one of these, an error says so.', '', ...lines, ''].join('\n')
}
