import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/client.ts'
import { type Joined, register } from '../../src/register.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { startTestGateway } from '../support/gateway.ts'
import { type Instance, startInstances } from '../support/instance.ts'

let server: Consul
let agent: Consul

beforeAll(async () => {
  server = await startConsul()
  agent = await startConsul({ joins: server })
})

afterAll(async () => {
  await agent.kill()
  await server.kill()
})

async function joinAt({ port }: Consul, service: string, instance: Instance): Promise<Joined> {
  const joined = await register({
    name: service,
    id: 'one',
    port: instance.port,
    address: '127.0.0.1',
    registry: `consul://127.0.0.1:${port}`,
    leaveOn: [],
    settle: 0,
    onEvent: () => {},
  })
  onTestFinished(() => joined.leave())
  return joined
}

/** Each node with the port of its instance of that id, as the catalog has it. */
async function portsByNode(service: string): Promise<Map<string, number>> {
  const { json } = await server.api<{ Node: string; ServicePort: number }[]>('GET', `/v1/catalog/service/${service}`)
  return new Map((json ?? []).map(({ Node, ServicePort }) => [Node, ServicePort]))
}

it('two instances with one id at two agents are two, and leave one by one', async () => {
  const service = 'twins'
  const [here, there] = (await startInstances(service, 2)) as [Instance, Instance]
  onTestFinished(async () => void (await Promise.all([here.close(), there.close()])))
  const gateway = await startTestGateway({
    config: { discovery: { consul: { type: 'consul', address: server.address } }, routes: [{ path: '/', service }] },
  })
  onTestFinished(() => gateway.close())
  const client = connect(service, { registry: `consul://127.0.0.1:${server.port}` })
  onTestFinished(() => client.close())

  const first = await joinAt(server, service, here)
  await joinAt(agent, service, there)
  await gateway.eligible(service, ['one', 'one'])
  expect(await portsByNode(service)).toEqual(
    new Map([
      [server.node, here.port],
      [agent.node, there.port],
    ]),
  )
  const answeredBy = async (): Promise<Set<string | null>> => {
    return new Set([(await gateway.client.get('/')).instance, (await gateway.client.get('/')).instance])
  }
  while ((await answeredBy()).size < 2);
  while (client.instances().length < 2) await (await client.fetch('/')).text()

  await first.leave()
  await gateway.eligible(service, ['one'])
  expect(await portsByNode(service)).toEqual(new Map([[agent.node, there.port]]))
  // A change that follows another one is with those who pick within 100 ms.
  while ((await answeredBy()).has(here.id));
})
