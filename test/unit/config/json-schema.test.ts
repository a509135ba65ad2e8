import { describe, expect, test } from 'vitest'
import { balancers } from '../../../src/balance/index.ts'
import { configJsonSchema, type JsonSchema, knownKeys } from '../../../src/config/json-schema.ts'
import { builtBalancers } from '../../../src/config/schema/services.ts'
import { discoveries } from '../../../src/discovery/index.ts'

const schema = configJsonSchema()

function describedKeys(at: JsonSchema, path: string): [string, string | undefined][] {
  const below = [...(at.anyOf ?? []), ...(at.oneOf ?? []), ...(at.items === undefined ? [] : [at.items])]
  if (typeof at.additionalProperties === 'object') below.push(at.additionalProperties)
  const own = Object.entries(at.properties ?? {}).flatMap(([key, inner]): [string, string | undefined][] => [
    [`${path}.${key}`, inner.description],
    ...describedKeys(inner, `${path}.${key}`),
  ])
  return [...own, ...below.flatMap((inner) => describedKeys(inner, path))]
}

describe('the schema', () => {
  test('describes every key', () => {
    const keys = describedKeys(schema, '')
    expect(keys.length).toBeGreaterThan(80)
    expect(keys.filter(([, description]) => description === undefined)).toEqual([])
  })

  test('knows the balancers that are built', () => {
    expect(Object.keys(balancers).toSorted()).toEqual([...builtBalancers].toSorted())
  })

  test('knows the types of sources that are built', () => {
    const sources = schema.properties?.['discovery']?.additionalProperties as JsonSchema
    const types = sources.oneOf?.map((source) => source.properties?.['type']?.const)
    expect(types?.toSorted()).toEqual(Object.keys(discoveries).toSorted())
  })

  test('lets a variable stand for a number, a boolean and a word of a list', () => {
    const { workers, log } = schema.properties ?? {}
    const environment = { $ref: '#/$defs/environment' }
    expect(workers?.anyOf?.flatMap((one) => one.anyOf ?? [one])).toContainEqual(environment)
    expect(log?.properties?.['access']?.anyOf).toContainEqual(environment)
    expect(log?.properties?.['level']?.anyOf).toContainEqual(environment)
  })
})

describe('knownKeys', () => {
  test('are those of an object in a list', () => {
    const keys = knownKeys(schema, ['listeners', 0, 'timeouts'], { listeners: [{ timeouts: {} }] })
    expect(keys).toEqual(['head', 'idle', 'body', 'write'])
  })

  test('are those of the type a source has', () => {
    const tree = { discovery: { a: { type: 'static' }, b: { type: 'consul' } } }
    expect(knownKeys(schema, ['discovery', 'a'], tree)).toEqual(['type', 'services'])
    expect(knownKeys(schema, ['discovery', 'b'], tree)).toContain('datacenter')
  })

  test('are none where there is no object', () => {
    expect(knownKeys(schema, ['routes', 0, 'nowhere', 'deeper'], { routes: [{}] })).toEqual([])
  })
})
