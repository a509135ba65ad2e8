import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Consul, startConsul } from '../support/consul.ts'
import { freePorts } from '../support/free-ports.ts'
import { startTestGateway, type TestGatewayOptions } from '../support/gateway.ts'
import { HttpClient } from '../support/http-client.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { registerAll } from '../support/registration.ts'
import { Traffic } from '../support/traffic.ts'

let consul: Consul
const services: Record<string, [Instance, ...Instance[]]> = {}

beforeAll(async () => {
  consul = await startConsul()
  for (const service of ['users', 'orders']) {
    const instances = await startInstances(service, 2, { latencyMs: 2 })
    services[service] = instances
    await registerAll(consul.api, service, instances)
  }
})

afterAll(async () => {
  await consul.stop()
  await Promise.all(
    Object.values(services)
      .flat()
      .map((instance) => instance.close()),
  )
})

type Config = TestGatewayOptions['config']

async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

describe.each([0, 2])('a reload under load, with %i worker threads', (workers) => {
  it('adds and removes routes and a listener without losing a request', async () => {
    const sidePort = await freePort()
    const edge = { name: 'edge', address: '127.0.0.1:0' }
    const side = { name: 'side', address: `127.0.0.1:${sidePort}` }
    const users = { path: '/users', service: 'users' }
    const base: Omit<Config, 'routes'> = {
      workers,
      discovery: { consul: { type: 'consul', address: consul.address } },
      listeners: [edge],
    }
    const narrow: Config = { ...base, routes: [users] }
    const wide: Config = { ...base, listeners: [edge, side], routes: [users, { path: '/orders', service: 'orders' }] }

    const gateway = await startTestGateway({ config: narrow })
    onTestFinished(async () => gateway.close())
    await gateway.servedBy('users', '/users', ['users-1', 'users-2'])
    const traffic = new Traffic(gateway.port(), '/users', 4)
    for (let round = 0; round < 8; round++) {
      await gateway.reconfigure(wide)
      await gateway.servedBy('orders', '/orders', ['orders-1', 'orders-2'])
      // What the added listener was sent before it is removed is answered.
      const onSide = new Traffic(sidePort, '/users', 2)
      const [first] = services.orders as [Instance, ...Instance[]]
      for (const instance of services.orders ?? []) instance.mode = 'gated'
      const inFlight = new HttpClient(sidePort)
      const arrived = Promise.race((services.orders ?? []).map((instance) => instance.received(instance.requests + 1)))
      const late = inFlight.post('/orders/late')
      await arrived
      await onSide.more(20)
      expect((await onSide.stop()).failed).toEqual([])

      expect(await gateway.reconfigure(narrow)).toMatchObject({ applied: true })
      for (const instance of services.orders ?? []) {
        instance.mode = 'ok'
        instance.release()
      }
      expect(await late).toMatchObject({ status: 200 })
      inFlight.close()
      expect((await gateway.client.get('/orders')).status).toBe(404)
      await expect(new HttpClient(sidePort).get('/users')).rejects.toThrow('ECONNREFUSED')
      expect(first.held).toBe(0)
      await traffic.more(20)
    }
    const { requests, failed } = await traffic.stop()
    expect(failed).toEqual([])
    expect(requests).toBeGreaterThan(160)
  })

  it('moves a route to a service that was not routed before without losing a request', async () => {
    const discovery: Config['discovery'] = { consul: { type: 'consul', address: consul.address } }
    const to = (service: string): Config => ({ workers, discovery, routes: [{ path: '/', service }] })
    const gateway = await startTestGateway({ config: to('users') })
    onTestFinished(async () => gateway.close())
    await gateway.servedBy('users', '/', ['users-1', 'users-2'])
    const traffic = new Traffic(gateway.port(), '/', 4)
    for (const service of ['orders', 'users', 'orders', 'users']) {
      await traffic.more(20)
      await gateway.reconfigure(to(service))
      const both = services[service] ?? []
      await Promise.all(both.map((instance) => instance.received(instance.requests + 2)))
    }
    expect((await traffic.stop()).failed).toEqual([])
  })

  it('keeps connections and what was counted', async () => {
    const config: Config = {
      workers,
      discovery: { consul: { type: 'consul', address: consul.address } },
      routes: [{ path: '/users', service: 'users' }],
    }
    const gateway = await startTestGateway({ config })
    onTestFinished(async () => gateway.close())
    await gateway.servedBy('users', '/users', ['users-1', 'users-2'])
    const [before] = gateway.endpoints('users')
    await gateway.reconfigure({ ...config, routes: [...config.routes, { path: '/u2', service: 'users' }] })
    const [after] = gateway.endpoints('users')
    expect(before?.requests).toBeGreaterThan(0)
    expect(after?.requests).toBeGreaterThanOrEqual(before?.requests ?? 0)
    expect(after?.id).toBe(before?.id)
    expect((await gateway.client.get('/u2')).status).toBe(200)
    expect(gateway.client.resent).toBe(0)
    expect(await gateway.timeline('added', 'removed', 'config-applied')).toMatchObject([
      { type: 'added' },
      { type: 'added' },
      { type: 'config-applied' },
    ])
  })
})

describe('a reload that asks for an address which is taken', () => {
  it('is refused, and everything stays as it is', async () => {
    const [instance] = services.users as [Instance]
    const gateway = await startTestGateway({
      config: {
        discovery: { consul: { type: 'consul', address: consul.address } },
        routes: [{ path: '/users', service: 'users' }],
      },
    })
    onTestFinished(async () => gateway.close())
    await gateway.servedBy('users', '/users', ['users-1', 'users-2'])
    const outcome = await gateway.reconfigure({
      listeners: [
        { name: 'edge', address: '127.0.0.1:0' },
        { name: 'side', address: `127.0.0.1:${instance.port}` },
      ],
      routes: [],
    })
    expect(outcome).toMatchObject({ applied: false })
    expect(await gateway.timeline('config-rejected')).toMatchObject([
      { cause: expect.stringContaining('EADDRINUSE') as string },
    ])
    expect((await gateway.client.get('/users')).status).toBe(200)
  })
})
