import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { configJsonSchema, type JsonSchema } from '../../../src/config/json-schema.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { CertificateFiles } from '../../support/certificate-files.ts'
import { Authority } from '../../support/certificates.ts'

const authority = Authority.create('examples')
const folder = fileURLToPath(new URL('../../../config/', import.meta.url))
const commented = `${folder}tidegate.yaml`

function keysOf(schema: JsonSchema): string[] {
  const below = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  if (schema.items !== undefined) below.push(schema.items)
  if (typeof schema.additionalProperties === 'object') below.push(schema.additionalProperties)
  const own = Object.entries(schema.properties ?? {})
  return [...own.flatMap(([key, inner]) => [key, ...keysOf(inner)]), ...below.flatMap(keysOf)]
}

/** A copy of an example, with the certificates and keys beside it that it names: one pair for each, from one authority. */
function withCertificates(example: string): string {
  const files = new CertificateFiles()
  const text = readFileSync(`${folder}examples/${example}`, 'utf8')
  const paths = [...text.matchAll(/\.\/(certs\/(\w+))\.pem/g)]
  mkdirSync(files.path('certs'))
  for (const [, path = '', name = ''] of paths)
    files.writePair(path, authority.issue({ names: [`${name}.example.com`] }))
  return files.write(example, text)
}

describe('the commented default', () => {
  test('says what the program does without it', async () => {
    const { config } = await loadConfig(commented, { env: {} })
    const { config: bare } = await parseConfig(
      `routes:
        - { path: /api/users, service: user-service, stripPrefix: true }
        - { path: /api/orders, service: order-service, stripPrefix: true }`,
      { file: commented, env: {} },
    )
    const withoutLines = ({ routes, ...rest }: typeof config) => ({
      ...rest,
      routes: routes.map((route) => ({ ...route, line: null })),
    })
    expect(withoutLines(config)).toEqual(withoutLines(bare))
  })

  test('shows every key', () => {
    const text = readFileSync(commented, 'utf8')
    const keys = [...new Set(keysOf(configJsonSchema()))]
    expect(keys.length).toBeGreaterThan(50)
    for (const key of keys) expect(text).toContain(`${key}:`.replace('$schema:', '$schema='))
  })
})

describe('the examples', () => {
  test.each(readdirSync(`${folder}examples`))('%s is valid without any variable set', async (file) => {
    const { config, warnings } = await loadConfig(withCertificates(file), { env: {} })
    expect(config.routes.length).toBeGreaterThan(0)
    expect(warnings).toEqual([])
  })

  test.each([commented, ...readdirSync(`${folder}examples`).map((file) => `${folder}examples/${file}`)])(
    '%s names its schema for editors',
    (file) => {
      const schema = file === commented ? './tidegate.schema.json' : '../tidegate.schema.json'
      expect(readFileSync(file, 'utf8').split('\n')[0]).toBe(`# yaml-language-server: $schema=${schema}`)
    },
  )
})
