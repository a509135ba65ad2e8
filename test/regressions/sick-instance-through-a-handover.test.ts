import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { Succession } from '../support/handover.ts'
import { RawTraffic } from '../support/raw-traffic.ts'

/** An instance that accepts and never answers, or one that answers everything. @returns its port, and what it was asked but `/health` */
async function startInstance(isSick: boolean) {
  const asked: string[] = []
  const server = createServer(({ url = '' }, response) => {
    if (url !== '/health') asked.push(url)
    if (!isSick) response.end(`only ${url}`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, asked }
}

/** Until its own first check had no answer, a successor sent it its share: as many requests as there were connections were lost. */
test('an instance whose checks have no answer gets no requests from a successor, which would be lost', async () => {
  const instances = [await startInstance(false), await startInstance(false), await startInstance(true)]
  const addresses = instances.map(({ port }) => `127.0.0.1:${port}`)
  const succession = await Succession.start({
    listeners: [{ name: 'edge', address: '127.0.0.1:0' }],
    admin: { address: '127.0.0.1:0' },
    workers: 2,
    log: { access: false },
    stateDir: null,
    discovery: { fixed: { type: 'static', services: { only: addresses } } },
    services: {
      only: { healthCheck: { path: '/health', interval: '500ms', timeout: '4s' } },
    },
    routes: [{ path: '/', service: 'only' }],
  })
  onTestFinished(async () => succession.close())
  await succession.nth('unhealthy', 1)
  const traffic = new RawTraffic(succession.port(), 6)
  await traffic.more(100)

  await succession.handOver()
  await succession.nth('stopped', 1)
  await traffic.more(100)

  expect((await traffic.stop()).failed).toEqual([])
  expect(instances[2]?.asked).toEqual([])
})
