import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { HttpClient } from '../support/http-client.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { Traffic } from '../support/traffic.ts'
import { deregister, register, registerAll } from '../support/registration.ts'

let consul: Consul

beforeAll(async () => {
  consul = await startConsul()
})

afterAll(async () => consul.stop())

type GatewayConfig = Pick<ConfigInput, 'routes'> & Partial<ConfigInput>

function configFor(service: string, more: Partial<ConfigInput> = {}): GatewayConfig {
  return {
    discovery: { consul: { type: 'consul', address: consul.address } },
    routes: [{ path: '/', service }],
    ...more,
  }
}

async function stage(service: string, more: Partial<ConfigInput> = {}) {
  const [first, second] = (await startInstances(service, 2)) as [Instance, Instance]
  await registerAll(consul.api, service, [first, second])
  const gateway = await startTestGateway({ config: configFor(service, more) })
  onTestFinished(async () => {
    await gateway.close()
    await Promise.all([first.close(), second.close()])
  })
  await gateway.servedBy(service, '/', [first.id, second.id])
  return { gateway, first, second }
}

async function command(gateway: TestGateway, service: string, { id }: Instance, action: string) {
  const endpoint = gateway.endpoint(service, id)?.id ?? id
  const { status, text } = await gateway.adminPost(`/api/v1/endpoints/${encodeURIComponent(endpoint)}/${action}`)
  return { status, answer: JSON.parse(text) as Record<string, unknown> }
}

describe('an endpoint drained by command', () => {
  it.each([0, 2])('finishes what it has and gets nothing new, over reloads and lists (%i workers)', async (workers) => {
    const service = `drained-${workers}`
    const { gateway, first, second } = await stage(service, { workers })
    first.mode = 'gated'
    second.mode = 'gated'
    const clients = Array.from({ length: 8 }, () => new HttpClient(gateway.port()))
    onTestFinished(() => clients.forEach((client) => client.close()))
    const inflight = clients.map(async (client) => client.get('/slow'))
    while (first.held + second.held < 8) await setImmediate()
    const heldByFirst = first.held
    expect(heldByFirst).toBeGreaterThan(0)
    second.release()
    second.mode = 'ok'
    expect(await command(gateway, service, first, 'drain')).toMatchObject({
      status: 200,
      answer: { action: 'drain', until: null, changed: true, services: [service] },
    })
    await gateway.servedBy(service, '/', [second.id])
    expect(gateway.endpoint(service, first.id)).toMatchObject({ state: 'draining', inflight: heldByFirst })
    first.release()
    first.mode = 'ok'
    expect((await Promise.all(inflight)).map(({ status }) => status)).toEqual(Array(8).fill(200))

    const reloaded = configFor(service, { workers, services: { [service]: { balancer: 'p2c' } } })
    expect(await gateway.reconfigure(reloaded)).toMatchObject({ applied: true })
    await register(consul.api, { service, instance: first, weight: 2 })
    while (gateway.endpoint(service, first.id)?.weight !== 2) await gateway.client.get('/')
    await gateway.servedBy(service, '/', [second.id])
    expect(gateway.endpoint(service, first.id)).toMatchObject({
      registry: 'passing',
      state: 'draining',
      reason: 'drained by command until it is undone',
    })

    expect((await command(gateway, service, first, 'undrain')).answer).toMatchObject({ changed: true })
    await gateway.servedBy(service, '/', [first.id, second.id])
    const told = await gateway.timeline('draining', 'restored')
    expect(told.map(({ type, cause }) => `${type}: ${cause}`)).toEqual([
      'draining: manual, until it is undone',
      'restored: manual: no longer drained',
    ])
  })

  it('comes back drained when its instance went and came back, and free when its time is over', async () => {
    const { gateway, first, second } = await stage('deployed')
    await command(gateway, 'deployed', first, 'drain')
    await deregister(consul.api, first)
    await gateway.log.line('removed')
    await register(consul.api, { service: 'deployed', instance: first })
    await gateway.log.until('it is back', () => gateway.endpoint('deployed', first.id) !== undefined)
    await gateway.servedBy('deployed', '/', [second.id])
    expect((await command(gateway, 'deployed', first, 'drain?duration=1s')).answer['until']).toMatch(/^20.*Z$/)
    await gateway.servedBy('deployed', '/', [first.id, second.id])
  })
})

describe('an endpoint ejected by command', () => {
  it('is out at once in every thread, counted as manual, and back when it is restored', async () => {
    const { gateway, first, second } = await stage('ejected', { workers: 2 })
    expect((await command(gateway, 'ejected', first, 'eject?duration=10m')).status).toBe(200)
    await gateway.servedBy('ejected', '/', [second.id])
    const view = gateway.endpoint('ejected', first.id)
    expect(view).toMatchObject({ registry: 'passing', state: 'ejected' })
    expect(view?.reason).toBe(`ejected by command until ${view?.ejectedUntil}`)
    const { text } = await gateway.admin('/metrics')
    expect(text).toMatch(/^tidegate_ejections_total\{service="ejected",instance="[^"]+",reason="manual"\} 1$/m)
    expect((await command(gateway, 'ejected', first, 'restore')).answer).toMatchObject({ changed: true })
    await gateway.servedBy('ejected', '/', [first.id, second.id])
    const told = await gateway.timeline('ejected', 'restored')
    expect(told.map(({ type, cause }) => `${type}: ${cause}`)).toEqual([
      `ejected: manual, until ${view?.ejectedUntil}`,
      'restored: manual',
    ])
  })

  it('by the traffic is restored by command before its time', async () => {
    const outlier = { consecutiveFailures: 2, baseEjection: '5m' }
    const { gateway, first, second } = await stage('erring-once', { services: { 'erring-once': { outlier } } })
    first.mode = 'error'
    for (let i = 0; i < 8; i++) await gateway.client.get('/')
    first.mode = 'ok'
    await gateway.servedBy('erring-once', '/', [second.id])
    expect((await command(gateway, 'erring-once', first, 'restore')).answer).toMatchObject({ changed: true })
    await gateway.servedBy('erring-once', '/', [first.id, second.id])
  })

  it('leaves no endpoint where it was the last: an order is not set aside', async () => {
    const { gateway, first, second } = await stage('ordered')
    await command(gateway, 'ordered', first, 'eject')
    await command(gateway, 'ordered', second, 'eject')
    const { status, headers } = await gateway.client.get('/')
    expect([status, headers['x-tidegate-error']]).toEqual([503, 'no-endpoint'])
  })
})

it('commands under traffic cost no request', async () => {
  const { gateway, first, second } = await stage('commanded', { workers: 2 })
  const traffic = new Traffic(gateway.port(), '/', 8)
  for (let round = 0; round < 10; round++) {
    const [out, other] = round % 2 === 0 ? [first, second] : [second, first]
    for (const action of ['drain', 'undrain', 'eject?duration=1m', 'restore']) {
      await command(gateway, 'commanded', out, action)
      await traffic.more(50)
    }
    expect(gateway.endpoint('commanded', other.id)?.state).toBe('eligible')
  }
  const { requests, failed } = await traffic.stop()
  expect(failed).toEqual([])
  expect(requests).toBeGreaterThanOrEqual(2000)
})

it('a command to an endpoint that is not there is 404 and names the one that may have been meant', async () => {
  const { gateway, first } = await stage('asked-wrong')
  const { status, text } = await gateway.adminPost(`/api/v1/endpoints/${first.id}/drain`)
  const { suggestion } = JSON.parse(text) as { suggestion: string }
  expect([status, suggestion]).toEqual([404, gateway.endpoint('asked-wrong', first.id)?.id])
})
