import { createServer as createHttp } from 'node:http'
import { createServer as createTcp, type AddressInfo, type Server as TcpServer } from 'node:net'
import { once } from 'node:events'
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { addHealthService } from '../../../../src/join/grpc/health-service.ts'
import { withOwnCheck } from '../../../../src/join/own-check.ts'
import { type CheckPlan, type HealthReport, well } from '../../../../src/join/registration.ts'

const times = { intervalMs: 1000, timeoutMs: 60_000 }

async function listening(server: TcpServer): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function grpcServer(health: { report: () => HealthReport }): Promise<number> {
  const server = new GrpcServer()
  addHealthService(server, health, ['greeter.Greeter'])
  onTestFinished(() => server.forceShutdown())
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port)
      else reject(error)
    })
  })
}

const made = async (check: CheckPlan, said: HealthReport = well): Promise<HealthReport> => {
  return withOwnCheck(check, () => said)()
}

describe('a check that the process makes itself', () => {
  it.each([
    [200, 'passing'],
    [204, 'passing'],
    [429, 'warning'],
    [500, 'critical'],
    [302, 'critical'],
  ] as const)('of HTTP with the answer %i is %s', async (code, status) => {
    const port = await listening(createHttp((_, response) => response.writeHead(code).end()))
    const report = await made({ type: 'http', url: `http://127.0.0.1:${port}/health`, ...times })
    // Of what is well on both sides, what the instance says is told.
    expect(report).toEqual({ status, note: status === 'passing' ? '' : `/health answers ${code}` })
  })

  it('of HTTP that never answers is critical when its time is up', async () => {
    const server = createHttp(() => {})
    const port = await listening(server)
    onTestFinished(() => server.closeAllConnections())
    const report = await made({ type: 'http', url: `http://127.0.0.1:${port}/`, intervalMs: 1000, timeoutMs: 20 })
    expect(report.status).toBe('critical')
  })

  it('of TCP looks whether connections are taken', async () => {
    const server = createTcp()
    const port = await listening(server)
    const check = { type: 'tcp', address: `127.0.0.1:${port}`, ...times } as const
    expect(await made(check)).toEqual(well)
    server.close()
    await once(server, 'close')
    expect(await made(check)).toEqual({ status: 'critical', note: `127.0.0.1:${port} takes no connections` })
  })

  it('of gRPC asks the health service, of the server or of one of its services', async () => {
    let status: HealthReport['status'] = 'passing'
    const port = await grpcServer({ report: () => ({ status, note: '' }) })
    const check = (service: string) =>
      made({ type: 'grpc', target: `127.0.0.1:${port}${service}`, tls: false, ...times })
    expect(await check('')).toEqual(well)
    expect(await check('/greeter.Greeter')).toEqual(well)
    expect(await check('/other')).toMatchObject({
      status: 'critical',
      note: expect.stringContaining('status 5') as string,
    })
    status = 'critical'
    expect(await check('')).toMatchObject({
      status: 'critical',
      note: expect.stringContaining('not serving') as string,
    })
  })

  it('of gRPC that never answers, or is not there, is critical', async () => {
    const server = createTcp((socket) => socket.resume())
    const port = await listening(server)
    const check = (timeoutMs: number) =>
      made({ type: 'grpc', target: `127.0.0.1:${port}`, tls: false, intervalMs: 1000, timeoutMs })
    expect(await check(20)).toMatchObject({
      status: 'critical',
      note: expect.stringContaining('within 20 ms') as string,
    })
    server.close()
    await once(server, 'close')
    expect(await check(1000)).toMatchObject({
      status: 'critical',
      note: expect.stringContaining('ECONNREFUSED') as string,
    })
  })

  it('counts beside what the instance says of itself: the worse of both', async () => {
    const port = await listening(createTcp())
    const check = { type: 'tcp', address: `127.0.0.1:${port}`, ...times } as const
    const said = { status: 'warning', note: 'slow' } as const
    expect(await made(check, said)).toEqual(said)
    expect(await made({ type: 'tcp', address: '127.0.0.1:1', ...times }, said)).toMatchObject({ status: 'critical' })
  })
})
