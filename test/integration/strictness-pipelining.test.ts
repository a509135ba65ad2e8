import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEngine, type Engine } from '../support/engine.ts'
import { RawClient } from '../support/raw-client.ts'
import { RecordingOrigin } from '../support/recording-origin.ts'

let origin: RecordingOrigin
let engine: Engine

beforeAll(async () => {
  origin = await RecordingOrigin.start()
  engine = await startEngine({ origins: [origin] })
})
afterAll(async () => {
  await engine.close()
  await origin.close()
})

test.each([3, 1000])('answers %i pipelined requests in their order', async (count) => {
  const client = await RawClient.connect(engine.port)
  const targets = Array.from({ length: count }, (_, i) => `/pipelined/${count}/${i}`)
  client.send(targets.map((target) => `GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''))
  const responses = await client.responses(count)
  expect(responses.map(({ body }) => body)).toEqual(targets)
  client.destroy()
})
