import * as fc from 'fast-check'
import { afterAll, beforeAll, test } from 'vitest'
import { gatewayProperty, type GatewayProperty } from './gateway.ts'

let gateway: GatewayProperty
beforeAll(async () => {
  gateway = await gatewayProperty()
})
afterAll(async () => gateway.close())

test('a gateway lives on, and serves the next client, whatever clients and endpoints send', async () => {
  await fc.assert(gateway.property, { numRuns: 60 })
})
