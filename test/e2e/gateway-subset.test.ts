import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Consul, startConsul } from '../support/consul.ts'
import { startTestGateway } from '../support/gateway.ts'
import { type Instance, startInstances } from '../support/instance.ts'

let consul: Consul

beforeAll(async () => {
  consul = await startConsul()
})

afterAll(async () => consul.stop())

async function registerTagged(instance: Instance, tags: readonly string[], meta: Record<string, string>) {
  const body = { ID: instance.id, Name: 'parted', Address: '127.0.0.1', Port: instance.port, Tags: tags, Meta: meta }
  const { status, text } = await consul.api('PUT', '/v1/agent/service/register?replace-existing-checks=true', body)
  expect({ status, text }).toEqual({ status: 200, text: '' })
}

async function stage(services: object) {
  const [first, second] = (await startInstances('parted', 2)) as [Instance, Instance]
  onTestFinished(async () => {
    await Promise.all([first.close(), second.close()])
    for (const { id } of [first, second]) await consul.api('PUT', `/v1/agent/service/deregister/${id}`)
  })
  const gateway = await startTestGateway({
    config: {
      discovery: { consul: { type: 'consul', address: consul.address } },
      services: services as Record<string, never>,
      routes: Object.keys(services).map((service) => ({ path: `/${service}`, service })),
    },
  })
  onTestFinished(async () => gateway.close())
  return { first, second, gateway }
}

describe('services of one name in Consul', () => {
  it('have each their own part of its instances, and follow tags and metadata', async () => {
    const { first, second, gateway } = await stage({
      blue: { name: 'parted', subset: { tags: ['blue'] } },
      green: { name: 'parted', subset: { tags: ['green'], version: '2' } },
      team: { name: 'parted', subset: { filter: 'Service.Meta.team == "x"' } },
    })
    await registerTagged(first, ['blue'], { team: 'x' })
    await registerTagged(second, ['green'], { version: '2' })
    await gateway.servedBy('blue', '/blue', [first.id])
    await gateway.servedBy('green', '/green', [second.id])
    await gateway.servedBy('team', '/team', [first.id])

    await registerTagged(second, ['green', 'blue'], { version: '2', team: 'x' })
    await gateway.servedBy('blue', '/blue', [first.id, second.id])
    await gateway.servedBy('team', '/team', [first.id, second.id])
    expect(gateway.endpoints('green')).toHaveLength(1)
  })

  it('say so when Consul does not understand a filter', async () => {
    const { gateway } = await stage({ odd: { name: 'parted', subset: { filter: 'Service.Meta.team = x' } } })
    const { problem } = await gateway.log.line('control plane')
    expect(problem).toMatch(/^Consul answered \d+ \(.*\) to http:.*parted; mend the `filter` of the subset$/)
  })
})
