import { expect, test, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { startTestGateway } from '../support/gateway.ts'
import { answer, RecordingOrigin, type Script } from '../support/recording-origin.ts'
import { parseTextFormat } from '../unit/observe/text-format.ts'

type Retry = NonNullable<ConfigInput['routes'][number]['retry']>

/** Sends requests through a gateway to origins of that script. @returns retries by outcome, and the statuses */
async function retriesOf(scripts: readonly Script[], count: number, retry: Retry = {}, service = {}) {
  const origins = await Promise.all(scripts.map((script) => RecordingOrigin.start(script)))
  const gateway = await startTestGateway({
    config: {
      discovery: { fixed: { type: 'static', services: { web: origins.map(({ port }) => `127.0.0.1:${port}`) } } },
      services: { web: { outlier: { maxEjectedPercent: 0 }, ...service } },
      routes: [{ path: '/', service: 'web', retry }],
    },
  })
  onTestFinished(async () => {
    await gateway.close()
    await Promise.all(origins.map((origin) => origin.close()))
  })
  await gateway.ready()
  const statuses: number[] = []
  for (let i = 0; i < count; i++) statuses.push((await gateway.client.get('/')).status)
  const family = parseTextFormat((await gateway.admin('/metrics')).text).get('tidegate_retries_total')
  const retries = Object.fromEntries((family?.samples ?? []).map(({ labels, value }) => [labels['outcome'], value]))
  return { retries, statuses: [...new Set(statuses)], origins }
}

const busy: Script = () => answer('busy', '503 Service Unavailable')
const reset: Script = ({ connection }) => void connection.socket.resetAndDestroy()

test('a request sent again for a stale connection is counted apart from retries', async () => {
  const { retries, statuses } = await retriesOf(
    [
      (request) => {
        if (request.connection.requests.length === 1) return answer('first')
        request.connection.socket.resetAndDestroy()
        return ''
      },
    ],
    21,
  )

  // Each answer but the first comes on a new connection, in place of the one that was kept from the last.
  expect(statuses).toEqual([200])
  expect(retries).toEqual({ 'stale-connection': 20 })
})

test('a retry is a success when it brings an answer, a failure when it brings none or one that is to be retried', async () => {
  const good = await retriesOf([busy, () => answer('fine')], 10, { on: [503] })
  expect(good.statuses).toEqual([200])
  expect(good.retries).toEqual({ success: good.origins[0]?.requests.length })

  expect((await retriesOf([busy, busy], 10, { on: [503] })).retries).toEqual({ failure: 10 })
  expect((await retriesOf([reset, reset], 10)).retries).toEqual({ failure: 10 })
})

test('a retry that the budget forbids is counted', async () => {
  const { retries } = await retriesOf([reset, reset], 10, {}, { retryBudget: { percent: 0, perSecond: 0 } })
  expect(retries).toEqual({ 'no-budget': 10 })
})
