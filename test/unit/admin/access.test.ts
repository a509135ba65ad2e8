import { describe, expect, test } from 'vitest'
import { resources } from '../../../src/admin/resources.ts'
import { runAdmin } from './admin.ts'

const token = 'correct horse'.replace(' ', '-')
const closed = resources.filter(({ access }) => access === 'token')
const bearer = { authorization: `Bearer ${token}` }

describe('the token', () => {
  test.each(['/livez', '/readyz'])('is never needed for %s', async (path) => {
    await using admin = await runAdmin({}, { token })
    expect((await admin.ask(path)).status).toBe(200)
  })

  test.each(closed)('is needed for $method $path', async ({ method, path }) => {
    await using admin = await runAdmin({}, { token })
    const answer = await admin.ask(path, { method })
    expect(answer.json()).toMatchObject({ status: 401 })
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="tidegate admin"')
    expect((await admin.ask(path, { method, headers: bearer })).status).not.toBe(401)
  })

  test('is needed to learn what does not exist', async () => {
    await using admin = await runAdmin({}, { token })
    expect((await admin.ask('/nope')).status).toBe(401)
    expect((await admin.ask('/nope', { headers: bearer })).status).toBe(404)
  })

  test('is needed for metrics unless they are public', async () => {
    await using closedMetrics = await runAdmin({}, { token })
    expect((await closedMetrics.ask('/metrics')).status).toBe(401)
    expect((await closedMetrics.ask('/metrics', { headers: bearer })).status).toBe(200)
    await using open = await runAdmin({}, { token, publicMetrics: true })
    expect((await open.ask('/metrics')).status).toBe(200)
    expect((await open.ask('/api/v1/config')).status).toBe(401)
  })

  test('opens nothing when it is wrong, cut, longer, or sent in another scheme', async () => {
    await using admin = await runAdmin({}, { token })
    const wrong = ['Bearer', 'Bearer ', `Bearer ${token}x`, `Bearer ${token.slice(1)}`, `Basic ${token}`, token]
    const answers = await Promise.all(
      wrong.map((authorization) => admin.ask('/api/v1/config', { headers: { authorization } })),
    )
    expect(answers.map(({ status }) => status)).toEqual(wrong.map(() => 401))
  })

  test('may name its scheme in any case', async () => {
    await using admin = await runAdmin({}, { token })
    const headers = { authorization: `bearer ${token}` }
    expect((await admin.ask('/api/v1/config', { headers })).status).toBe(200)
  })
})

describe('the Host field on loopback', () => {
  test.each([
    'localhost',
    'LOCALHOST:9900',
    '127.0.0.1',
    '127.8.9.1:80',
    '[::1]:9900',
    '[::ffff:127.0.0.1]',
    'a.localhost',
  ])('may be %s', async (host) => {
    await using admin = await runAdmin()
    expect((await admin.ask('/api/v1/config', { headers: { host } })).status).toBe(200)
  })

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    '[::2]',
    'a b',
    '0',
    '0.0.0.0',
  ])('may not be %s', async (host) => {
    await using admin = await runAdmin()
    const answers = await Promise.all(
      ['/api/v1/config', '/livez'].map((path) => admin.ask(path, { headers: { host } })),
    )
    expect(answers.map(({ status }) => status)).toEqual([403, 403])
  })

  test('may not be any other with the token either', async () => {
    await using admin = await runAdmin({}, { token })
    const answer = await admin.ask('/api/v1/config', { headers: { ...bearer, host: 'evil.example' } })
    expect(answer.status).toBe(403)
  })

  test('may be any where the listener is not on loopback alone', async () => {
    await using admin = await runAdmin({}, { token, host: '0.0.0.0' })
    const answer = await admin.ask('/api/v1/config', { headers: { ...bearer, host: 'gateway.internal' } })
    expect(answer.status).toBe(200)
  })
})

describe('an Origin', () => {
  test.each(['https://evil.example', 'null', 'http://localhost:9900'])('%s may not post', async (origin) => {
    let reloads = 0
    await using admin = await runAdmin({ reload: () => Promise.resolve({ applied: true, version: ++reloads }) })
    const answer = await admin.ask('/api/v1/reload', { method: 'POST', headers: { origin } })
    expect(answer.json()).toMatchObject({ status: 403 })
    expect(reloads).toBe(0)
  })

  test('may read', async () => {
    await using admin = await runAdmin()
    const answer = await admin.ask('/api/v1/routes', { headers: { origin: 'http://localhost:9900' } })
    expect(answer.status).toBe(200)
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
  })
})
