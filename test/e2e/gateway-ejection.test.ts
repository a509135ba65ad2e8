import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Consul, startConsul } from '../support/consul.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type HttpAnswer, tally } from '../support/http-client.ts'
import { Instance, startInstances } from '../support/instance.ts'
import { register, registerAll } from '../support/registration.ts'

let consul: Consul

beforeAll(async () => {
  consul = await startConsul()
})

afterAll(async () => consul.stop())

type ServiceSettings = NonNullable<ConfigInput['services']>[string]
type Three = [Instance, Instance, Instance]

function configFor(service: string, settings: ServiceSettings): Pick<ConfigInput, 'routes'> & Partial<ConfigInput> {
  return {
    discovery: { consul: { type: 'consul', address: consul.address } },
    services: { [service]: settings },
    routes: [{ path: '/', service }],
  }
}

/** Three registered instances and a gateway that serves all of them. */
async function stage(service: string, settings: ServiceSettings): Promise<{ gateway: TestGateway; instances: Three }> {
  const instances = (await startInstances(service, 3)) as Three
  await registerAll(consul.api, service, instances)
  const gateway = await startTestGateway({ config: configFor(service, settings) })
  onTestFinished(async () => {
    await gateway.close()
    await Promise.all(instances.map((instance) => instance.close()))
  })
  await gateway.servedBy(
    service,
    '/',
    instances.map(({ id }) => id),
  )
  return { gateway, instances }
}

async function send(gateway: TestGateway, count: number): Promise<HttpAnswer[]> {
  const answers: HttpAnswer[] = []
  while (answers.length < count) answers.push(await gateway.client.get('/'))
  return answers
}

/** What the timeline says of one instance since it was added. */
async function storyOf(gateway: TestGateway, { id }: Instance): Promise<string[]> {
  const decisions = await gateway.timeline('ejected', 'restored')
  return decisions.filter(({ endpoint }) => endpoint?.includes(`/${id}@`)).map(({ type, cause }) => `${type}: ${cause}`)
}

describe('an instance that refuses connections', () => {
  it('costs no request, is ejected at once, and is back when it accepts again', async () => {
    const { gateway, instances } = await stage('refusing', {})
    const [bad, ...good] = instances
    await bad.refuse()
    const answers = await send(gateway, 30)
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200))
    await gateway.eligible(
      'refusing',
      good.map(({ id }) => id),
    )
    expect(gateway.endpoint('refusing', bad.id)).toMatchObject({
      registry: 'passing',
      state: 'ejected',
      reason: 'it refused a connection',
      ejectedUntil: null,
    })
    await bad.accept()
    await gateway.servedBy(
      'refusing',
      '/',
      instances.map(({ id }) => id),
    )
    expect(await storyOf(gateway, bad)).toEqual([
      'ejected: it refused a connection',
      'restored: it accepts connections again',
    ])
  })

  it('is ejected without bound: one of three left serves all', async () => {
    const { gateway, instances } = await stage('mostly-refusing', {})
    const [first, second, third] = instances
    await Promise.all([first.refuse(), second.refuse()])
    expect(tally(await send(gateway, 30))).toEqual({ [third.id]: 30 })
  })
})

describe('an instance that answers 500', () => {
  it('is ejected after that many in a row while the others serve on, and returns after its time', async () => {
    const outlier = { consecutiveFailures: 3, baseEjection: '4s' }
    const { gateway, instances } = await stage('erring', { outlier })
    const [bad, ...good] = instances
    bad.mode = 'error'
    const counts = tally(await send(gateway, 30))
    expect(counts[`${bad.id} 500`]).toBe(3)
    expect(good.reduce((sum, { id }) => sum + (counts[id] ?? 0), 0)).toBe(27)
    await gateway.log.line('ejected')
    const view = gateway.endpoint('erring', bad.id)
    expect(view).toMatchObject({ state: 'ejected', reason: 'too many failures in a row' })

    bad.mode = 'ok'
    await gateway.servedBy(
      'erring',
      '/',
      instances.map(({ id }) => id),
    )
    expect(await storyOf(gateway, bad)).toEqual([
      'ejected: 3 failures in a row, the last: 5xx',
      'restored: its ejection time is over',
    ])
    const [ejected, restored] = await gateway.timeline('ejected', 'restored')
    const lastedMs = Date.parse(restored?.at ?? '') - Date.parse(ejected?.at ?? '')
    expect(lastedMs).toBeGreaterThanOrEqual(3990)
    expect(Date.parse(view?.ejectedUntil ?? '')).toBeGreaterThanOrEqual(Date.parse(ejected?.at ?? '') + 3990)
  })

  it('is back before its time when it was killed and started anew', async () => {
    const { gateway, instances } = await stage('replaced', { outlier: { consecutiveFailures: 3 } })
    const [bad] = instances
    bad.mode = 'error'
    await send(gateway, 30)
    await gateway.log.line('ejected')
    await bad.refuse()
    await gateway.log.until('its refusal', () =>
      gateway.log.lines.some(({ cause }) => cause === 'it refuses connections'),
    )
    bad.mode = 'ok'
    await bad.accept()
    await gateway.log.line('restored')
    expect(await storyOf(gateway, bad)).toEqual([
      'ejected: 3 failures in a row, the last: 5xx',
      'ejected: it refuses connections',
      'restored: it accepts connections again',
    ])
  })

  it('stays when too many others are ejected already', async () => {
    const { gateway, instances } = await stage('half-erring', { outlier: { consecutiveFailures: 2 } })
    const [first, second, third] = instances
    first.mode = 'error'
    await send(gateway, 12)
    second.mode = 'error'
    const counts = tally(await send(gateway, 40))
    expect(counts).toEqual({ [`${second.id} 500`]: 20, [third.id]: 20 })
    expect(gateway.endpoint('half-erring', second.id)?.state).toBe('eligible')
  })

  it('serves again with the others when most of them are ejected: panic', async () => {
    const outlier = { consecutiveFailures: 2, maxEjectedPercent: 100 }
    const { gateway, instances } = await stage('panicking', { outlier })
    const [first, second, third] = instances
    first.mode = 'error'
    second.mode = 'error'
    await send(gateway, 12)
    expect(gateway.endpoint('panicking', first.id)?.state).toBe('ejected')
    expect(gateway.endpoint('panicking', second.id)?.state).toBe('ejected')
    const { panic } = await gateway.adminJson<{ panic: boolean }>('/api/v1/services/panicking')
    expect(panic).toBe(true)
    expect(tally(await send(gateway, 30))).toEqual({
      [`${first.id} 500`]: 10,
      [`${second.id} 500`]: 10,
      [third.id]: 10,
    })
  })
})

describe('an instance that hangs', () => {
  it('is ejected after its head timeouts while the others serve on', async () => {
    const outlier = { consecutiveFailures: 2 }
    const { gateway, instances } = await stage('hanging', { headTimeout: '200ms', outlier })
    const [bad, ...good] = instances
    bad.mode = 'hang'
    const answers = await send(gateway, 30)
    const unanswered = answers.filter(({ status }) => status !== 200)
    expect(unanswered.map(({ status, headers }) => `${status} ${String(headers['x-tidegate-error'])}`)).toEqual([
      '504 head-timeout',
      '504 head-timeout',
    ])
    expect(tally(answers.slice(-20))).toEqual(Object.fromEntries(good.map(({ id }) => [id, 10])))
    expect(await storyOf(gateway, bad)).toEqual(['ejected: 2 failures in a row, the last: head-timeout'])
  })

  it('is not ejected because its clients leave', async () => {
    const { gateway, instances } = await stage('left-alone', { outlier: { consecutiveFailures: 2 } })
    for (const instance of instances) instance.mode = 'hang'
    for (let i = 0; i < 9; i++) {
      const leaving = request({ host: '127.0.0.1', port: gateway.port(), path: '/', agent: false })
      leaving.on('error', () => {})
      leaving.end()
      await Promise.race(instances.map((instance) => instance.received(instance.requests + 1)))
      const gone = new Promise((resolve) => leaving.once('close', resolve))
      leaving.destroy()
      await gone
    }
    for (const instance of instances) instance.mode = 'ok'
    await gateway.servedBy(
      'left-alone',
      '/',
      instances.map(({ id }) => id),
    )
    expect(await gateway.timeline('ejected')).toEqual([])
  })
})

describe('an ejection', () => {
  it('outlives updates of the catalog, of the instance itself, and a reload', async () => {
    const outlier = { consecutiveFailures: 2, baseEjection: '5m' }
    const { gateway, instances } = await stage('updated', { outlier })
    const [bad, ...good] = instances
    bad.mode = 'error'
    await send(gateway, 9)
    bad.mode = 'ok'
    const others = good.map(({ id }) => id)
    await gateway.servedBy('updated', '/', others)

    const fourth = await Instance.start('updated-4')
    onTestFinished(async () => fourth.close())
    await register(consul.api, { service: 'updated', instance: fourth })
    await gateway.servedBy('updated', '/', [...others, fourth.id])

    await register(consul.api, { service: 'updated', instance: bad, weight: 2 })
    while (gateway.endpoint('updated', bad.id)?.weight !== 2) await send(gateway, 1)
    await gateway.servedBy('updated', '/', [...others, fourth.id])

    const settings: ServiceSettings = { outlier, balancer: 'least-request', connectTimeout: '1s' }
    const reloaded = configFor('updated', settings)
    expect(
      await gateway.reconfigure({ ...reloaded, routes: [{ path: '/', service: 'updated', timeout: '9s' }] }),
    ).toEqual({
      applied: true,
      version: 2,
    })
    const answers = await send(gateway, 40)
    expect(Object.keys(tally(answers))).not.toContain(bad.id)
    expect(gateway.endpoint('updated', bad.id)).toMatchObject({ state: 'ejected', registry: 'passing', weight: 2 })
    expect(await storyOf(gateway, bad)).toEqual(['ejected: 2 failures in a row, the last: 5xx'])
  })
})
