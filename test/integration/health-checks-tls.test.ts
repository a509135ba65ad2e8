import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, test, onTestFinished } from 'vitest'
import { CertificateFiles } from '../support/certificate-files.ts'
import { Authority, type Certificate } from '../support/certificates.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const authority = Authority.create('endpoints')

/** @param certificate null = plain text */
async function instance(certificate: Certificate | null, serve: RequestListener): Promise<number> {
  const server = certificate === null ? createServer(serve) : createSecureServer({ ...certificate }, serve)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}

async function gatewayFor(ports: readonly number[], settings: object): Promise<TestGateway> {
  const gateway = await startTestGateway({
    config: {
      discovery: { here: { type: 'static', services: { users: ports.map((port) => `127.0.0.1:${port}`) } } },
      services: { users: settings },
      routes: [{ path: '/', service: 'users' }],
    },
  })
  onTestFinished(async () => gateway.close())
  return gateway
}

function endpointAt(gateway: TestGateway, port: number) {
  return gateway.endpoints('users').find(({ address }) => address === `127.0.0.1:${port}`)
}

describe('health checks of endpoints with TLS', () => {
  test.each([
    ['HTTP', { path: '/health', interval: '100ms' }],
    ['TCP', { tcp: true, interval: '100ms' }],
  ])('go through the TLS settings of the service (%s)', async (_, healthCheck) => {
    const asked: string[] = []
    const serve: RequestListener = ({ url = '' }, response) => {
      asked.push(url)
      response.end()
    }
    const good = await instance(authority.issue({ names: ['127.0.0.1'] }), serve)
    const misnamed = await instance(authority.issue({ names: ['other.test'] }), serve)
    const plain = await instance(null, serve)
    const files = new CertificateFiles()
    const ca = files.write('ca.pem', authority.cert)
    const gateway = await gatewayFor([good, misnamed, plain], { tls: { ca }, healthCheck })
    await gateway.log.until('two endpoints out', () => {
      return gateway.endpoints('users').filter(({ state }) => state === 'unhealthy').length === 2
    })
    while (endpointAt(gateway, good)?.healthCheck !== 'passing') await gateway.admin('/livez')
    expect(endpointAt(gateway, good)).toMatchObject({ state: 'eligible', healthCheck: 'passing' })
    expect(endpointAt(gateway, misnamed)).toMatchObject({
      state: 'unhealthy',
      reason: expect.stringContaining('Hostname/IP does not match'),
    })
    expect(endpointAt(gateway, plain)?.state).toBe('unhealthy')
    expect(new Set(asked)).toEqual(new Set('path' in healthCheck ? ['/health'] : []))
  })
})

describe('a new endpoint', () => {
  test('serves while its first health check is under way', async () => {
    const checkBegun = Promise.withResolvers<void>()
    const port = await instance(null, ({ url = '' }, response) => {
      if (url === '/health') checkBegun.resolve()
      else response.end('served')
    })
    const gateway = await gatewayFor([port], { healthCheck: { path: '/health', timeout: '60s' } })
    await checkBegun.promise
    expect(await gateway.client.get('/x')).toMatchObject({ status: 200, body: 'served' })
    expect(endpointAt(gateway, port)).toMatchObject({ state: 'eligible', healthCheck: null })
  })
})
