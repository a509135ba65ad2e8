import { expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { HttpClient } from '../support/http-client.ts'
import { Instance } from '../support/instance.ts'

it('serves with one data thread where the system lets no two share a port, and says so', async () => {
  const instance = await Instance.start('only')
  const gateway = await startTestGateway({
    config: {
      workers: 3,
      discovery: { fixed: { type: 'static', services: { only: [`127.0.0.1:${instance.port}`] } } },
      routes: [{ path: '/', service: 'only' }],
    },
    probePortSharing: () => Promise.resolve({ works: false, code: 'ENOTSUP' }),
  })
  onTestFinished(async () => {
    await gateway.close()
    await instance.close()
  })
  await gateway.ready()
  expect(await gateway.log.line('threads cannot share ports on this system; one data thread serves')).toMatchObject({
    level: 'warn',
    wanted: 3,
    code: 'ENOTSUP',
  })

  const clients = Array.from({ length: 10 }, () => new HttpClient(gateway.port()))
  const answers = await Promise.all(clients.map((client) => client.get('/')))
  for (const client of clients) client.close()
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(answers.map(({ thread }) => thread)).size).toBe(1)
  expect(await gateway.threads()).toMatchObject([{ column: 0, state: 'serving' }])
  expect(await gateway.adminPost('/api/v1/workers/0/drain')).toMatchObject({
    status: 409,
    text: expect.stringContaining("can't share ports") as string,
  })
})
