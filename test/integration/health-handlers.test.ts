import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { describe, expect, it, onTestFinished } from 'vitest'
import { health, type Health } from '../../src/register.ts'

/** Serves the health and `/hello` with each framework; resolves to its port. */
const servers: Readonly<Record<string, (h: Health) => Promise<number>>> = {
  'node:http': (h) => {
    return listen(
      createServer((request, response) => {
        h.handler(request, response, () => response.end('hello'))
      }),
    )
  },
  Express: (h) => {
    const app = express()
    app.use(h.handler)
    app.get('/hello', (_, response) => void response.send('hello'))
    return listen(createServer(app))
  },
  Fastify: async (h) => {
    const app = fastify()
    await app.register(h.fastify)
    app.get('/hello', async () => 'hello')
    await app.listen({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => app.close())
    return (app.server.address() as AddressInfo).port
  },
  Hono: (h) => {
    const app = new Hono()
    app.use(h.hono)
    app.get('/hello', (context) => context.text('hello'))
    return new Promise((resolve) => {
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port))
      onTestFinished(() => void server.close())
    })
  },
  'a fetch function': (h) => {
    const answer = async (request: Request): Promise<Response> => (await h.fetch(request)) ?? new Response('hello')
    return new Promise((resolve) => {
      const server = serve({ fetch: answer, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port))
      onTestFinished(() => void server.close())
    })
  },
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

describe.each(Object.entries(servers))('%s', (_, start) => {
  it('answers for the health of its service, and for itself', async () => {
    let isWell = true
    const h = health({ checks: { db: () => isWell }, cacheFor: 0, version: '1' })
    const port = await start(h)
    const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`)

    const well = await get('/health')
    expect(well.status).toBe(200)
    expect(well.headers.get('content-type')).toBe('application/health+json')
    expect(await well.json()).toMatchObject({ status: 'pass', version: '1' })
    isWell = false
    expect((await get('/health?full')).status).toBe(503)
    expect((await get('/readyz')).status).toBe(503)
    expect((await get('/livez')).status).toBe(200)
    expect(await (await get('/hello')).text()).toBe('hello')
  })
})
