import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { addHealthService } from '../../src/grpc.ts'
import { type CheckInput, health, register } from '../../src/register.ts'
import { type Consul, startConsul } from '../support/consul.ts'

let consul: Consul
let registry: string

beforeAll(async () => {
  consul = await startConsul()
  registry = `consul://127.0.0.1:${consul.port}`
})

afterAll(async () => consul.stop())

interface Entry {
  readonly Service: { readonly ID: string; readonly Address: string }
}

/** The instances of a service that pass, once there are so many. */
async function passing(service: string, count: number): Promise<Entry[]> {
  for (let index = '0'; ;) {
    const answer = await consul.api<Entry[]>('GET', `/v1/health/service/${service}?passing&index=${index}&wait=10s`)
    if (answer.json?.length === count) return answer.json
    index = answer.headers.get('x-consul-index') ?? '0'
  }
}

async function httpPort(): Promise<number> {
  const wellness = health()
  const server = createServer((request, response) => wellness.handler(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function grpcPort(): Promise<number> {
  const server = new GrpcServer()
  addHealthService(server, health(), ['users'])
  onTestFinished(() => server.forceShutdown())
  return promisify(server.bindAsync.bind(server))('127.0.0.1:0', ServerCredentials.createInsecure())
}

describe('an instance that Consul itself checks', () => {
  it.each<[string, () => Promise<number>, CheckInput]>([
    ['http', httpPort, { http: '/health', interval: '1s' }],
    ['tcp', httpPort, { tcp: true, interval: '1s' }],
    ['grpc', grpcPort, { grpc: true, interval: '1s' }],
    ['grpc-service', grpcPort, { grpc: 'users', interval: '1s' }],
  ])('by %s passes once it was asked', async (kind, open, check) => {
    const name = `checked-${kind}`
    const joined = await register({ name, port: await open(), registry, check, settle: 0, leaveOn: [] })
    onTestFinished(() => joined.leave())
    const [entry] = await passing(name, 1)
    // Of an agent on this machine, the address that it tells its cluster.
    expect(entry?.Service).toMatchObject({ ID: joined.registration.id, Address: '127.0.0.1' })
  })

  it('is told what Consul will make of values that it raises', async () => {
    const told: string[] = []
    const joined = await register({
      name: 'raised',
      port: 1,
      registry,
      check: { tcp: true, interval: '100ms' },
      deregisterAfter: '30s',
      settle: 0,
      leaveOn: [],
      onEvent: ({ type, message }) => void (type === 'warning' && told.push(message)),
    })
    onTestFinished(() => joined.leave())
    expect(told).toEqual([
      'Consul raises deregisterAfter of 30s to 1m',
      'Consul raises the interval of a check of 100ms to 1s',
    ])
  })
})

describe('a process with nothing left to do', () => {
  it('leaves before it ends', async () => {
    const script = `import { register } from 'tidegate/register'
      await register({ name: 'dry', port: 1, registry: '${registry}', settle: 0 })
      console.log('joined')`
    const root = new URL('../../', import.meta.url).pathname
    const args = ['--conditions=tidegate-source', '--input-type=module', '-e', script]
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const [said, complained, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    expect([said, complained, code]).toEqual(['joined\n', '', 0])
    const { json } = await consul.api<Entry[]>('GET', '/v1/health/service/dry')
    expect(json).toEqual([])
  })
})
