import { describe, expect, test } from 'vitest'
import { resources } from '../../../src/admin/resources.ts'
import { runAdmin } from './admin.ts'

describe('admin resources', () => {
  test('lists what exists at /', async () => {
    await using admin = await runAdmin()
    const answer = await admin.ask('/')
    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject({
      resources: expect.arrayContaining([
        { method: 'GET', path: '/readyz', summary: expect.any(String) },
        { method: 'POST', path: '/api/v1/reload', summary: expect.any(String) },
      ]),
    })
  })

  test('says that the process works, or why not', async () => {
    await using works = await runAdmin()
    expect(await works.ask('/livez')).toMatchObject({ status: 200, body: '{"alive":true}\n' })
    await using broken = await runAdmin({ liveness: () => ({ alive: false, cause: 'no data thread runs' }) })
    const answer = await broken.ask('/livez')
    expect(answer.json()).toMatchObject({ status: 503, detail: 'no data thread runs', alive: false })
  })

  test('is ready once nothing is missing', async () => {
    await using admin = await runAdmin()
    expect(await admin.ask('/readyz')).toMatchObject({ status: 200, body: '{"ready":true}\n' })
  })

  test('names the services it still waits for', async () => {
    await using admin = await runAdmin({
      readiness: () => ({ ready: false, draining: false, missing: ['users', 'billing'] }),
    })
    const answer = await admin.ask('/readyz')
    expect(answer).toMatchObject({ status: 503, headers: { 'content-type': 'application/problem+json' } })
    expect(answer.json()).toEqual({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'No registry has answered yet for users, billing',
      ready: false,
      draining: false,
      missing: ['users', 'billing'],
    })
  })

  test('is ready without what it has waited for long enough, and names it', async () => {
    await using admin = await runAdmin({ readiness: () => ({ ready: true, draining: false, missing: ['billing'] }) })
    const answer = await admin.ask('/readyz')
    expect(answer.status).toBe(200)
    expect(answer.json()).toEqual({ ready: true, missing: ['billing'] })
  })

  test('is not ready while it drains', async () => {
    await using admin = await runAdmin({ readiness: () => ({ ready: true, draining: true, missing: [] }) })
    const answer = await admin.ask('/readyz')
    expect(answer.json()).toMatchObject({ status: 503, detail: 'The gateway is shutting down', ready: false })
  })

  test('gives metrics as they are', async () => {
    await using admin = await runAdmin()
    expect(await admin.ask('/metrics')).toMatchObject({
      status: 200,
      body: '# metrics\n',
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
    })
  })

  test('gives routes, services and the configuration', async () => {
    await using admin = await runAdmin()
    expect((await admin.ask('/api/v1/routes')).json()).toEqual({ routes: [{ id: '/api' }] })
    expect((await admin.ask('/api/v1/services')).json()).toEqual({ services: [{ name: 'users' }] })
    expect((await admin.ask('/api/v1/config')).json()).toEqual({ config: { workers: 2 }, lastError: null })
  })

  test('gives one service by its name, percent-encoded where needed', async () => {
    await using admin = await runAdmin()
    expect((await admin.ask('/api/v1/services/users')).json()).toEqual({ name: 'users' })
    expect((await admin.ask('/api/v1/services/a%2Fb%20%C3%BC')).json()).toEqual({ name: 'a/b ü' })
  })

  test('says that a service is unknown', async () => {
    await using admin = await runAdmin()
    const answer = await admin.ask('/api/v1/services/nope')
    expect(answer.json()).toMatchObject({ status: 404, detail: expect.stringContaining('"nope"') })
  })

  test('refuses a broken percent escape', async () => {
    await using admin = await runAdmin()
    expect((await admin.ask('/api/v1/services/%zz')).status).toBe(400)
  })

  test('gives the newest decisions, as many as asked for', async () => {
    await using admin = await runAdmin()
    const limits = await Promise.all(
      ['', '?limit=7'].map(async (query) => (await admin.ask(`/api/v1/timeline${query}`)).json()),
    )
    expect(limits).toMatchObject([{ events: [{ cause: '1000' }] }, { events: [{ cause: '7' }] }])
  })

  test.each(['0', '-1', '1001', 'ten', '1.5', ''])('refuses the limit %j', async (limit) => {
    await using admin = await runAdmin()
    expect((await admin.ask(`/api/v1/timeline?limit=${limit}`)).status).toBe(400)
  })

  test('explains a request', async () => {
    await using admin = await runAdmin()
    const url = encodeURIComponent('http://Shop.example.com:8080/a/../b?c=d')
    const answer = await admin.ask(`/api/v1/explain?method=POST&url=${url}&header=X-Beta:%201`)
    expect(answer.json()).toEqual({
      method: 'POST',
      host: 'shop.example.com',
      path: '/b',
      url: '/b?c=d',
      beta: '1',
    })
  })

  test.each([
    ['no url', 'method=GET', 'url is missing'],
    ['a bad host', 'url=http://a@b/', 'host "a@b"'],
    ['a bad path', 'url=/a%255cb/%2500', 'would be refused'],
    ['a bad method', 'url=/&method=G%20T', 'not an HTTP method'],
    ['a bad header', 'url=/&header=novalue', 'name:value'],
  ])('does not explain %s', async (_, query, detail) => {
    await using admin = await runAdmin()
    const answer = await admin.ask(`/api/v1/explain?${query}`)
    expect(answer.json()).toMatchObject({ status: 400, detail: expect.stringContaining(detail) })
  })

  test('reloads the configuration', async () => {
    await using admin = await runAdmin()
    const answer = await admin.ask('/api/v1/reload', { method: 'POST' })
    expect(answer).toMatchObject({ status: 200, body: '{"applied":true,"version":2}\n' })
  })

  test('says what is wrong with a configuration that it refuses', async () => {
    const findings = [{ file: 'tidegate.yaml', line: 3, column: 5, message: 'unknown key' }]
    await using admin = await runAdmin({ reload: () => Promise.resolve({ applied: false, findings }) })
    const answer = await admin.ask('/api/v1/reload', { method: 'POST', body: '{}' })
    expect(answer.json()).toMatchObject({ status: 422, applied: false, findings })
  })

  test('gives the data threads', async () => {
    await using admin = await runAdmin()
    expect((await admin.ask('/api/v1/workers')).json()).toEqual({ workers: [{ column: 0, state: 'serving' }] })
  })

  test('drains a data thread', async () => {
    await using admin = await runAdmin()
    const answer = await admin.ask('/api/v1/workers/0/drain', { method: 'POST' })
    expect(answer).toMatchObject({ status: 202, body: '{"column":0,"replacement":2}\n' })
  })

  test('says why a data thread is not drained', async () => {
    await using admin = await runAdmin()
    const busy = await admin.ask('/api/v1/workers/1/drain', { method: 'POST' })
    expect(busy.json()).toMatchObject({ status: 409, detail: 'it drains already' })
  })

  test.each(['9', 'x', '-1', '1e0', '00000', '0.0'])('knows no data thread %j', async (column) => {
    await using admin = await runAdmin()
    const answer = await admin.ask(`/api/v1/workers/${column}/drain`, { method: 'POST' })
    expect(answer.json()).toMatchObject({ status: 404, detail: expect.stringContaining(JSON.stringify(column)) })
  })

  test('never lets another resource than livez and readyz do without the token', () => {
    const open = resources.filter(({ access }) => access !== 'token').map(({ path, access }) => [path, access])
    expect(open).toEqual([
      ['/livez', 'open'],
      ['/readyz', 'open'],
      ['/metrics', 'metrics'],
    ])
  })
})
