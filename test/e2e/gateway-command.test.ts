import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Consul, startConsul } from '../support/consul.ts'
import {
  type ConfigFile,
  createConfigFile,
  type GatewayProcess,
  startGatewayProcess,
} from '../support/gateway-process.ts'
import { HttpClient } from '../support/http-client.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { registerAll } from '../support/registration.ts'

const service = 'user-service'
let consul: Consul
let instance: Instance

beforeAll(async () => {
  consul = await startConsul()
  const [only] = await startInstances(service, 1)
  instance = only
  await registerAll(consul.api, service, [instance])
})

afterAll(async () => {
  await consul.stop()
  await instance.close()
})

function configText(routes: string, listener = '127.0.0.1:0'): string {
  return `
listeners: [{ name: edge, address: "${listener}" }]
admin: { address: "127.0.0.1:0" }
workers: 2
discovery: { consul: { type: consul, address: "${consul.address}" } }
routes:
${routes}
shutdown: { deadline: 20s }
`
}

const users = `  - { path: /users, service: ${service} }`
const orders = `  - { path: /orders, service: ${service} }`

interface Running {
  readonly file: ConfigFile
  readonly gateway: GatewayProcess
  readonly edge: HttpClient
  readonly admin: HttpClient
}

async function start(text: string): Promise<{ file: ConfigFile; gateway: GatewayProcess }> {
  const file = await createConfigFile(text)
  const gateway = startGatewayProcess(file.path)
  onTestFinished(async () => {
    await gateway.kill()
    await file.remove()
  })
  return { file, gateway }
}

async function startServing(): Promise<Running> {
  const { file, gateway } = await start(configText(users))
  const { listeners, admin: adminAddress } = await gateway.listening()
  const edge = new HttpClient(listeners[0]?.port ?? 0)
  const admin = new HttpClient(adminAddress.port)
  onTestFinished(() => {
    edge.close()
    admin.close()
  })
  await gateway.log.line('added')
  while ((await edge.get('/users')).status !== 200);
  return { file, gateway, edge, admin }
}

async function statuses(edge: HttpClient): Promise<Record<string, number>> {
  const [ofUsers, ofOrders] = [await edge.get('/users'), await edge.get('/orders')]
  return { users: ofUsers.status, orders: ofOrders.status }
}

describe('tidegate start', () => {
  it('takes over a changed file', async () => {
    const { file, gateway, edge } = await startServing()
    expect(await statuses(edge)).toEqual({ users: 200, orders: 404 })
    await file.write(configText(`${users}\n${orders}`))
    await gateway.log.line('config-applied')
    expect(await statuses(edge)).toEqual({ users: 200, orders: 200 })
  })

  it('reads the file again on SIGHUP', async () => {
    const { file, gateway, edge } = await startServing()
    gateway.signal('SIGHUP')
    await gateway.log.line('config-applied')
    expect(await statuses(edge)).toEqual({ users: 200, orders: 404 })
    await file.write(configText(orders))
    gateway.signal('SIGHUP')
    await gateway.log.until('a second reload', () => gateway.log.lines.filter(({ msg }) => msg === 'config-applied')[1])
    expect(await statuses(edge)).toEqual({ users: 404, orders: 200 })
  })

  it('keeps its configuration when the file turns bad, and says why in the log, in a count and in the admin API', async () => {
    const { file, gateway, edge, admin } = await startServing()
    await file.write(configText(`${users}\n  - { path: /orders, servise: ${service} }`))
    const line = await gateway.log.line('configuration rejected; the one in force stays')
    const finding = { line: 8, path: 'routes[1].servise' }
    expect(line).toMatchObject({
      level: 'error',
      findings: expect.arrayContaining([expect.objectContaining(finding)]) as unknown,
    })
    expect(await statuses(edge)).toEqual({ users: 200, orders: 404 })
    const shown = JSON.parse((await admin.get('/api/v1/config')).body) as { rejected: unknown; version: number }
    expect(shown.version).toBe(1)
    expect(shown.rejected).toEqual(expect.arrayContaining([expect.objectContaining(finding)]))
    const metrics = (await admin.get('/metrics')).body
    expect(metrics).toMatch(/^tidegate_config_reloads_total\{outcome="rejected"\} 1$/m)
    expect(metrics).toMatch(/^tidegate_config_reloads_total\{outcome="applied"\} 0$/m)

    await file.write(configText(`${users}\n${orders}`))
    await gateway.log.line('config-applied')
    expect(await statuses(edge)).toEqual({ users: 200, orders: 200 })
    expect(JSON.parse((await admin.get('/api/v1/config')).body)).toMatchObject({ rejected: null, version: 2 })
  })

  it('drains on SIGTERM: finishes what is in flight, refuses the rest, exits 0', async () => {
    const { gateway, edge, admin } = await startServing()
    instance.mode = 'gated'
    onTestFinished(() => {
      instance.mode = 'ok'
      instance.release()
    })
    const before = instance.requests
    const underWay = edge.post('/users')
    await instance.received(before + 1)
    gateway.signal('SIGTERM')
    await gateway.log.line('draining')
    expect((await admin.get('/readyz')).status).toBe(503)
    instance.release()
    expect(await underWay).toMatchObject({ status: 200, headers: { connection: 'close' } })
    expect(await gateway.ended()).toEqual({ code: 0, stderr: '' })
    expect(await gateway.log.line('stopped')).toMatchObject({ cut: 0 })
    await expect(edge.get('/users')).rejects.toThrow('ECONNREFUSED')
  })

  it('says so and exits 1 when an address is taken', async () => {
    const occupant = createServer().listen(0, '127.0.0.1')
    await once(occupant, 'listening')
    onTestFinished(() => void occupant.close())
    const taken = `127.0.0.1:${(occupant.address() as AddressInfo).port}`
    const { gateway: withListener } = await start(configText(users, taken))
    const { gateway: withAdmin } = await start(
      configText(users).replace('admin: { address: "127.0.0.1:0"', `admin: { address: "${taken}"`),
    )
    expect(await withListener.ended()).toEqual({
      code: 1,
      stderr: `tidegate: listener edge: listen EADDRINUSE: address already in use ${taken}; end what listens there, or set another address\n`,
    })
    expect(await withAdmin.ended()).toEqual({
      code: 1,
      stderr: `tidegate: admin: can't listen on ${taken} (EADDRINUSE); set another admin.address, or end what listens there\n`,
    })
  })

  it('says where and exits 1 when the file is bad', async () => {
    const { file, gateway } = await start(configText(`  - { path: users, service: ${service} }`))
    const { code, stderr } = await gateway.ended()
    expect(code).toBe(1)
    expect(stderr).toContain(`${file.path}:7:13 routes[0].path: `)
  })
})
