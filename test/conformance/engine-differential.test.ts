import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EngineName } from '../../src/core/snapshot.ts'
import { MalformedMessage } from '../support/http-message.ts'
import { RawClient } from '../support/raw-client.ts'
import { setStage, type Stage } from '../support/stage.ts'
import { isKnownDifference } from './engine/differences.ts'
import { inputs } from './engine/inputs.ts'

const stages = {} as Record<EngineName, Stage>
beforeAll(async () => {
  stages.fast = await setStage({ listener: { engine: 'fast' } })
  stages.standard = await setStage({ listener: { engine: 'standard' } })
})
afterAll(async () => {
  await stages.fast.close()
  await stages.standard.close()
})

/** Boundaries and meaning of one request, as the origin read them. */
interface Boundaries {
  readonly line: string
  readonly host: string | undefined
  readonly body: string
  readonly trailers: readonly unknown[]
}

/** Sends `bytes` and FIN. @returns the requests that reached the origin, and the statuses of all answers */
async function run({ engine, origin }: Stage, bytes: string): Promise<{ reached: Boundaries[]; statuses: number[] }> {
  const before = origin.requests.length
  const client = await RawClient.connect(engine.port)
  client.send(bytes).end()
  const { ending } = await client.rest()
  expect(ending).toBe('fin')
  const statuses = await statusesOf(client)
  client.destroy()
  expect(origin.violations).toEqual([])
  const reached = origin.requests.slice(before).map(({ startLine, fields, body, trailers }) => ({
    line: startLine,
    host: fields.find(([name]) => name.toLowerCase() === 'host')?.[1],
    body,
    trailers,
  }))
  return { reached, statuses }
}

async function statusesOf(client: RawClient): Promise<number[]> {
  const statuses: number[] = []
  for (;;) {
    try {
      statuses.push((await client.response()).status)
    } catch (error) {
      if (error instanceof MalformedMessage) throw error
      return statuses
    }
  }
}

/** Both forward the requests that have one reading, alike; the fast engine nothing else, the other one perhaps more. */
async function expectSameBoundaries(bytes: string, safe: number): Promise<void> {
  const fast = await run(stages.fast, bytes)
  const standard = await run(stages.standard, bytes)
  expect(fast.reached).toEqual(standard.reached.slice(0, safe))
  expect(fast.reached).toHaveLength(safe)
  for (const { statuses } of [fast, standard]) expect(statuses.slice(0, safe)).toEqual(Array(safe).fill(200))
  expect(fast.statuses.length).toBeGreaterThanOrEqual(1)
}

describe('both engines forward, with the same boundaries, what has one reading, and the fast one nothing else, of', () => {
  for (const [name, bytes, safe] of inputs) {
    const check = isKnownDifference('standard', name) ? test.fails : test
    check(name, () => expectSameBoundaries(bytes, safe))
  }
})
