import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { EngineName } from '../../src/core/snapshot.ts'
import { keptProperty } from './kept.ts'
import { chunkedBodies, requestHeads, responseHeads } from './parsers.ts'
import { engineProperties, type EngineProperties } from './properties.ts'

const engines: readonly EngineName[] = ['fast', 'standard']

describe.each(engines)('engine: %s', (engine) => {
  let properties: EngineProperties
  beforeAll(async () => {
    properties = await engineProperties(engine)
  })
  afterAll(async () => properties.close())

  test('whatever a client sends is answered or closed, and what goes upstream is what llhttp reads', async () => {
    await fc.assert(properties.requests, { numRuns: 500 })
  })

  test('whatever an endpoint sends, the client gets one well-framed answer or sees the cut', async () => {
    await fc.assert(properties.responses, { numRuns: 500 })
  })
})

test.each(engines)('engine: %s: on kept connections each answer is the one its endpoint gave', async (engine) => {
  const kept = await keptProperty(engine)
  await fc.assert(kept.property, { numRuns: 300 })
  await kept.close()
})

test('a head is taken, or refused, wherever its delivery parts, and read as llhttp reads it', async () => {
  await fc.assert(requestHeads, { numRuns: 300 })
})

test('a response head is taken or refused, never thrown at, and read as llhttp reads it', async () => {
  await fc.assert(responseHeads, { numRuns: 300 })
})

test('a chunked body is read the same wherever its delivery parts, and as llhttp reads it', async () => {
  await fc.assert(chunkedBodies, { numRuns: 300 })
})
