import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { AdminListenError } from '../../../src/admin/server.ts'
import { runAdmin } from './admin.ts'

describe('admin server', () => {
  test('answers HEAD like GET, without the body', async () => {
    await using admin = await runAdmin()
    const [get, head] = await Promise.all([
      admin.ask('/api/v1/routes'),
      admin.ask('/api/v1/routes', { method: 'HEAD' }),
    ])
    expect(head).toMatchObject({ status: 200, body: '' })
    expect(head.headers['content-length']).toBe(String(Buffer.byteLength(get.body)))
  })

  test('says of an unknown path what there is', async () => {
    await using admin = await runAdmin()
    const answer = await admin.ask('/api/v2/routes?x=1')
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.json()).toMatchObject({
      status: 404,
      title: 'Not Found',
      detail: 'Nothing is at /api/v2/routes',
      resources: expect.arrayContaining(['GET /livez', 'GET /api/v1/services/{name}', 'POST /api/v1/reload']),
    })
  })

  test.each(['//api/v1/routes', '/api/v1/services/', '/api/v1/services/a/b', '/LIVEZ', '*', 'http://localhost/livez'])(
    'knows nothing at %s',
    async (path) => {
      await using admin = await runAdmin()
      expect((await admin.ask(path)).status).toBe(404)
    },
  )

  test.each([
    ['DELETE', '/api/v1/routes', 'GET, HEAD'],
    ['POST', '/readyz', 'GET, HEAD'],
    ['OPTIONS', '/metrics', 'GET, HEAD'],
    ['GET', '/api/v1/reload', 'POST'],
    ['HEAD', '/api/v1/reload', 'POST'],
  ])('refuses %s %s and says what is allowed', async (method, path, allow) => {
    await using admin = await runAdmin()
    expect(await admin.ask(path, { method })).toMatchObject({ status: 405, headers: { allow } })
  })

  test('keeps answers out of caches and of guesses about their type', async () => {
    await using admin = await runAdmin()
    expect((await admin.ask('/api/v1/routes')).headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-type': 'application/json; charset=utf-8',
    })
  })

  test('hides why a resource threw, and reports it', async () => {
    const error = new Error('secret')
    await using admin = await runAdmin({
      routes: () => {
        throw error
      },
      metrics: () => Promise.reject(error),
    })
    const answers = await Promise.all([admin.ask('/api/v1/routes'), admin.ask('/metrics')])
    expect(answers.map(({ status }) => status)).toEqual([500, 500])
    expect(answers.map(({ body }) => body).join('')).not.toContain('secret')
    expect(admin.errors).toEqual([error, error])
    expect((await admin.ask('/livez')).status).toBe(200)
  })

  test('refuses a body that is too large, and does nothing', async () => {
    let reloads = 0
    await using admin = await runAdmin({ reload: () => Promise.resolve({ applied: true, version: ++reloads }) })
    const body = 'x'.repeat(65_537)
    const answer = await admin.ask('/api/v1/reload', { method: 'POST', body })
    expect(answer).toMatchObject({ status: 413, headers: { connection: 'close' } })
    expect(reloads).toBe(0)
  })

  test('does not take the rest of a refused body for another request', async () => {
    await using admin = await runAdmin()
    const socket = connect(admin.server.port, '127.0.0.1')
    socket.write('POST /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nGET /livez HTTP/1.1\r\n\r\n')
    const answers = await text(socket)
    expect(answers.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 404'])
    expect(answers).toMatch(/^connection: close\r$/im)
  })

  test('answers malformed requests with 400 and lives on', async () => {
    await using admin = await runAdmin()
    const socket = connect(admin.server.port, '127.0.0.1')
    socket.end('NOT HTTP\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /)
    expect((await admin.ask('/livez')).status).toBe(200)
  })

  test('survives a client that goes away in the middle of its body', async () => {
    await using admin = await runAdmin()
    const socket = connect(admin.server.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc')
    socket.resetAndDestroy()
    await once(socket, 'close')
    expect((await admin.ask('/livez')).status).toBe(200)
    expect(admin.errors).toEqual([])
  })

  test('cuts off a client that does not send its head', async () => {
    await using admin = await runAdmin()
    const socket = connect(admin.server.port, '127.0.0.1')
    socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n')
    const answer = text(socket)
    expect((await admin.ask('/livez')).status).toBe(200)
    expect(await answer).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('says where it can not listen and what to do', async () => {
    const occupied = createServer().listen(0, '127.0.0.1')
    await once(occupied, 'listening')
    const { port } = occupied.address() as AddressInfo
    const refused = runAdmin({}, { port })
    await expect(refused).rejects.toBeInstanceOf(AdminListenError)
    await expect(refused).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
    occupied.close()
  })

  test('does not open to other machines without a token', async () => {
    await expect(runAdmin({}, { host: '0.0.0.0' })).rejects.toMatchObject({ code: 'TOKEN_REQUIRED' })
  })

  test('closes idle connections and lets answers under way end', async () => {
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>()
    const { promise: metrics, resolve: giveMetrics } = Promise.withResolvers<{ contentType: string; body: string }>()
    const admin = await runAdmin({
      metrics: () => {
        onAsked()
        return metrics
      },
    })
    const idle = connect(admin.server.port, '127.0.0.1')
    await once(idle, 'connect')
    const answer = admin.ask('/metrics')
    await asked
    const closed = admin.server.close()
    giveMetrics({ contentType: 'text/plain', body: 'late\n' })
    expect((await answer).body).toBe('late\n')
    await closed
    await expect(admin.ask('/livez')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    idle.destroy()
  })
})
