import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { ConnectMiddleware } from '../../src/core/middleware.ts'
import { startGateway } from '../../src/start-gateway.ts'

const log = openSync('/dev/null', 'w')
const origin = createServer((_request, response) => response.end('origin'))
beforeAll(async () => {
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
})
afterAll(async () => {
  origin.closeAllConnections()
  origin.close()
  closeSync(log)
})

function configWith(engine: 'fast' | 'standard', workers: number): ConfigInput {
  const { port } = origin.address() as AddressInfo
  return {
    listeners: [{ name: 'edge', address: '127.0.0.1:0', engine }],
    admin: { address: '127.0.0.1:0' },
    workers,
    log: { access: false, level: 'silent' },
    stateDir: null,
    discovery: { local: { type: 'static', services: { web: [`127.0.0.1:${port}`] } } },
    routes: [{ path: '/', service: 'web' }],
  }
}

const stamp: ConnectMiddleware = (_request, response, next) => {
  response.setHeader('x-stamp', 'seen')
  next()
}

test('a gateway in this thread with the standard engine passes requests through middlewares', async () => {
  const gateway = await startGateway({ config: configWith('standard', 0), logFd: log, middlewares: [stamp] })
  const response = await fetch(`http://127.0.0.1:${gateway.addresses.listeners[0]?.port}/`)
  expect(response.headers.get('x-stamp')).toBe('seen')
  expect(await response.text()).toBe('origin')
  await gateway.close()
})

test.each([
  ['worker threads', configWithLate('standard', 1), /set `workers: 0`/],
  ['the fast engine', configWithLate('fast', 0), /need `engine: standard` on every listener, unlike listener edge/],
])('middlewares with %s are an error that says what to set', async (_name, config, message) => {
  await expect(startGateway({ config: config(), logFd: log, middlewares: [stamp] })).rejects.toThrow(message)
})

/** The origin's port is known only when a test runs. */
function configWithLate(engine: 'fast' | 'standard', workers: number): () => ConfigInput {
  return () => configWith(engine, workers)
}
