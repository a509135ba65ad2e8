import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Fault } from '../../../src/registry/faults/fault.ts'
import { createRegistry, type Registry } from '../../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../../support/consul-api.ts'

const services = '/v1/catalog/services'
const web = { Name: 'web', Check: { TTL: '10m', Status: 'passing' } }

describe('the registry, told to', () => {
  let registry: Registry
  let api: ConsulApi

  beforeEach(async () => {
    registry = createRegistry({ port: 0, takesFaults: true })
    api = consulApi((await registry.start()).address)
    await api('PUT', '/v1/agent/service/register', web)
  })

  afterEach(async () => registry.close())

  async function indexOf(path: string): Promise<number> {
    return Number((await api('GET', path)).headers.get('x-consul-index'))
  }

  async function statusOf(path: string): Promise<number> {
    return (await api('GET', path)).status
  }

  it('fail, answers with that status until it is told otherwise', async () => {
    const undo = registry.fault({ status: 500 })
    const answers = [await api('GET', services), await api('PUT', '/v1/agent/check/pass/service:web')]
    expect(answers.map(({ status, text }) => `${status} ${text}`)).toEqual([
      '500 Internal Server Error',
      '500 Internal Server Error',
    ])
    undo()
    undo()
    expect(await statusOf(services)).toBe(200)
  })

  it('fail twice below a path, does so there and then no more', async () => {
    registry.fault({ status: 503, path: '/v1/health/', times: 2 })
    const paths = ['/v1/health/service/web', services, '/v1/health/state/any', '/v1/health/service/web']
    const statuses: number[] = []
    for (const path of paths) statuses.push(await statusOf(path))
    expect(statuses).toEqual([503, 200, 503, 200])
  })

  it('answer nonsense, sends what it was given, as it was given', async () => {
    registry.fault({ status: 200, body: '[{"Node":', headers: { 'content-type': 'text/html', 'x-consul-index': '0' } })
    const { headers, text } = await api('GET', services)
    expect([text, headers.get('content-type'), headers.get('x-consul-index')]).toEqual(['[{"Node":', 'text/html', '0'])
  })

  it('answer with fields that no answer can have, refuses, and serves on', async () => {
    const headers = { 'not a name': 'x' }
    expect((await api('PUT', '/v1/tidegate/faults', { status: 500, headers })).status).toBe(400)
    expect(() => registry.fault({ status: 500, headers: { 'x-a': 'two\nlines' } })).toThrow('x-a')
    expect(await statusOf(services)).toBe(200)
  })

  it('be slow, answers late, and at once when that is over', async () => {
    const undo = registry.fault({ delayMs: 600_000, path: '/v1/health/' })
    let isAnswered = false
    const waiting = api('GET', '/v1/health/service/web').finally(() => (isAnswered = true))
    expect(await statusOf(services)).toBe(200)
    expect(isAnswered).toBe(false)
    undo()
    expect((await waiting).status).toBe(200)
  })

  it('be slow and then fail, does both', async () => {
    registry.fault({ delayMs: 1 })
    registry.fault({ status: 500 })
    registry.fault({ status: 501 })
    expect(await statusOf(services)).toBe(500)
  })

  it.each(['head', 'body'] as const)('break connections at the %s, gives no whole answer', async (cut) => {
    registry.fault({ cut, times: 1 })
    await expect(api('GET', services)).rejects.toThrow(cut === 'head' ? 'fetch failed' : 'terminated')
    expect(await statusOf(services)).toBe(200)
  })

  it('drop its connections, ends waiting queries too', async () => {
    const waiting = api('GET', `${services}?index=${await indexOf(services)}&wait=10m`).catch(() => 'dropped')
    await api('GET', services)
    registry.fault({ dropConnections: true })
    expect(await waiting).toBe('dropped')
    expect(await statusOf(services)).toBe(200)
  })

  it.each([services, '/v1/health/service/web', '/v1/kv/key', '/v1/kv/?recurse', '/v1/catalog/node/tidegate'])(
    'reset its indexes, answers who waits for %s with a smaller one and the same content',
    async (path) => {
      await api('PUT', '/v1/kv/key', 'value')
      const before = await api('GET', path)
      const index = Number(before.headers.get('x-consul-index'))
      const waiting = api('GET', `${path}?index=${index}&wait=10m`.replace('?recurse?', '?recurse&'))
      await api('GET', services)
      registry.fault({ resetIndex: true })
      const after = await waiting
      expect(Number(after.headers.get('x-consul-index'))).toBe(1)
      expect(withoutIndexes(after.text)).toEqual(withoutIndexes(before.text))
    },
  )

  it('reset its indexes, answers at once who asks with one of before', async () => {
    const index = await indexOf(services)
    registry.fault({ resetIndex: true })
    expect((await api('GET', `${services}?index=${index}&wait=10m`)).headers.get('x-consul-index')).toBe('1')
  })

  it('reset its indexes, counts on from there', async () => {
    registry.fault({ resetIndex: true })
    const waiting = api<unknown[]>('GET', '/v1/health/service/web?index=1&wait=10m')
    await api('GET', services)
    await api('PUT', '/v1/agent/check/fail/service:web')
    expect((await waiting).headers.get('x-consul-index')).toBe('2')
    expect((await waiting).json).toMatchObject([{ Checks: [{}, { Status: 'critical' }] }])
  })

  it('forget, has nothing registered and no keys, and tells whoever waits', async () => {
    await api('PUT', '/v1/kv/key', 'value')
    const path = '/v1/health/service/web'
    const waiting = api('GET', `${path}?index=${await indexOf(path)}&wait=10m`)
    await api('GET', services)
    registry.fault({ forget: true })
    expect([(await waiting).json, (await waiting).headers.get('x-consul-index')]).toEqual([[], '1'])
    expect(await statusOf('/v1/kv/key')).toBe(404)
    expect((await api('GET', services)).json).toEqual({ consul: [] })
    expect((await api('GET', '/v1/health/state/any')).json).toMatchObject([{ CheckID: 'serfHealth' }])
    // Which tells a client that its service has to register again.
    expect(await statusOf('/v1/agent/service/web')).toBe(404)
    expect((await api('PUT', '/v1/agent/check/pass/service:web')).status).toBe(404)
    await api('PUT', '/v1/agent/service/register', web)
    expect((await api('GET', path)).json).toMatchObject([{ Checks: [{}, { Status: 'passing' }] }])
  })

  it('have no leader, knows what registers meanwhile and lists it when it has one again', async () => {
    const undo = registry.fault({ leaderless: true })
    const undoSecond = registry.fault({ leaderless: true })
    await api('PUT', '/v1/agent/service/register', { Name: 'late' })
    await api('PUT', '/v1/agent/check/fail/service:web')
    await api('PUT', '/v1/agent/service/maintenance/web?enable=true')
    expect((await api('GET', '/v1/agent/services')).json).toHaveProperty('late')
    const waiting = api('GET', `${services}?stale&index=${await indexOf(`${services}?stale`)}&wait=10m`)
    expect((await api('GET', `${services}?stale`)).json).not.toHaveProperty('late')
    undo()
    expect(await statusOf(services)).toBe(500)
    undoSecond()
    expect((await waiting).json).toHaveProperty('late')
    expect((await api<object[]>('GET', '/v1/health/checks/web')).json).toHaveLength(2)
    expect(await statusOf(services)).toBe(200)
  })

  it.each<[unknown, string]>([
    [{}, 'A fault is one of status, delayMs, cut, leaderless, resetIndex, forget, dropConnections'],
    [{ status: 500, cut: 'head' }, 'A fault is one of'],
    [{ status: 99 }, 'status must be from 200 to 599'],
    [{ status: 500, time: 3 }, 'json: unknown field "time"'],
    [{ delayMs: 0 }, 'delayMs must be from 1 to 2147483647'],
    [{ delayMs: '5s' }, 'delayMs must be an integer'],
    [{ cut: 'off' }, 'cut must be "head" or "body"'],
    [{ leaderless: false }, 'leaderless must be true; undo the fault to end it'],
    [{ leaderless: true, path: '/v1/kv/' }, 'unknown field "path"'],
    [{ status: 500, path: 'kv' }, 'path must begin with /v1/'],
    [{ status: 500, times: 0 }, 'times must be from 1'],
    [{ status: 500, headers: { a: 1 } }, 'headers.a must be a string'],
  ])('suffer %j, refuses and says why', async (fault, reason) => {
    expect(() => registry.fault(fault as Fault)).toThrow(reason)
    const { status, text } = await api('PUT', '/v1/tidegate/faults', fault)
    expect([status, text]).toEqual([400, expect.stringContaining(reason)])
    expect((await api('GET', '/v1/tidegate/faults')).json).toEqual([])
  })

  it('take orders over HTTP, lists and undoes them there, whatever they are', async () => {
    const path = '/v1/tidegate/faults'
    const first = await api('PUT', path, { delay_ms: 1, Path: '/v1/health/' })
    await api('PUT', path, { leaderless: true })
    await api('PUT', path, { status: 500 })
    expect(first.json).toEqual({ id: 1 })
    expect((await api('GET', path)).json).toEqual([
      { id: 1, delayMs: 1, path: '/v1/health/' },
      { id: 2, leaderless: true },
      { id: 3, status: 500 },
    ])
    expect((await api('DELETE', `${path}/3`)).status).toBe(200)
    expect((await api('DELETE', `${path}/3`)).text).toBe('No fault "3" holds')
    expect((await api('GET', services)).text).toBe('No cluster leader')
    await api('DELETE', path)
    expect([await statusOf(services), (await api('GET', path)).json]).toEqual([200, []])
  })

  it('drop its connections over HTTP, answers that order first', async () => {
    expect((await api('PUT', '/v1/tidegate/faults', { dropConnections: true })).status).toBe(200)
  })
})

it('without being told so takes no faults over HTTP', async () => {
  const registry = createRegistry({ port: 0 })
  const api = consulApi((await registry.start()).address)
  expect((await api('PUT', '/v1/tidegate/faults', { status: 500 })).status).toBe(501)
  await registry.close()
})

function withoutIndexes(text: string): string {
  return text.replaceAll(/"(Create|Modify)Index":\d+/g, '')
}
