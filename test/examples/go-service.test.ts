import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Consul, startConsul } from '../support/consul.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { buildGoProgram, type GoProgram } from '../support/go.ts'
import { type JoiningService, startJoiningProgram } from '../support/joining-service.ts'
import { Traffic } from '../support/traffic.ts'

const examples = new URL('../../examples/go-service/', import.meta.url).pathname
const programs = ['consul-api', 'go-micro'] as const
type ProgramName = (typeof programs)[number]

/** Compiling go-micro for the first time takes a minute on two slow cores. */
const buildTimeoutMs = 300_000

let consul: Consul
let directory: string
const built = new Map<ProgramName, GoProgram>()

beforeAll(async () => {
  consul = await startConsul()
  directory = await mkdtemp(join(tmpdir(), 'tidegate-go-'))
  for (const name of programs) {
    const program = await buildGoProgram(`${examples}${name}`, await mkdtemp(join(directory, name)))
    if ('whyNot' in program) console.warn(`NOT RUN: examples/go-service/${name}, since ${program.whyNot}`)
    built.set(name, program)
  }
}, buildTimeoutMs)

afterAll(async () => {
  await consul.stop()
  await rm(directory, { recursive: true, force: true })
})

type Skip = (condition: boolean, note?: string) => void

/** The program as an instance of `service`. Without Go the test is skipped, with the reason. */
async function joining(name: ProgramName, service: string, skip: Skip): Promise<JoiningService> {
  const program = built.get(name)
  if (program === undefined) throw new Error('it was not built')
  if ('whyNot' in program) skip(true, program.whyNot)
  const { binary } = program as { binary: string }
  const env = { SERVICE: service, CONSUL_HTTP_ADDR: `127.0.0.1:${consul.port}`, MICRO_LOG_LEVEL: 'error' }
  const started = await startJoiningProgram([binary], env)
  onTestFinished(async () => {
    started.signal('SIGKILL')
    await started.ended()
  })
  return started
}

async function gatewayFor(service: string): Promise<TestGateway> {
  const gateway = await startTestGateway({
    config: {
      discovery: { consul: { type: 'consul', address: consul.address } },
      routes: [{ path: '/', service }],
    },
  })
  onTestFinished(async () => gateway.close())
  return gateway
}

interface Entry {
  readonly Service: { readonly ID: string }
  readonly Checks: readonly { readonly CheckID: string; readonly Status: string; readonly Output: string }[]
}

/** The service's entries, once they are as wanted. */
async function entries(service: string, isWanted: (entries: Entry[]) => boolean = () => true): Promise<Entry[]> {
  for (let index = '0'; ;) {
    const answer = await consul.api<Entry[]>('GET', `/v1/health/service/${service}?index=${index}&wait=10s`)
    if (isWanted(answer.json ?? [])) return answer.json ?? []
    index = answer.headers.get('x-consul-index') ?? '0'
  }
}

function checkOf([entry]: Entry[]): Entry['Checks'][number] | undefined {
  return entry?.Checks.find(({ CheckID }) => CheckID.startsWith('service:'))
}

describe.each(programs)('the Go program %s', (name) => {
  it('is routed to, and replaced one by one under load without a failed request', async ({ skip }) => {
    const service = `rolling-${name}`
    let running = [await joining(name, service, skip), await joining(name, service, skip)]
    const gateway = await gatewayFor(service)
    const areEligible = () => {
      return gateway.eligible(
        service,
        running.map(({ id }) => id),
      )
    }
    await areEligible()
    const { body } = await gateway.client.get('/users?a=1')
    expect(JSON.parse(body)).toEqual({ path: '/users?a=1', servedBy: expect.any(Number) as number })
    const traffic = new Traffic(gateway.port(), '/', 16)
    await traffic.more(100)
    for (const old of running) {
      const next = await joining(name, service, skip)
      running = [...running, next]
      await areEligible()
      old.signal('SIGTERM')
      await old.ended()
      running = running.filter((one) => one !== old)
      expect((await entries(service)).map(({ Service }) => Service.ID)).not.toContain(old.id)
      await areEligible()
    }
    await traffic.more(100)
    expect(await traffic.stop()).toMatchObject({ failed: [] })
  })

  it('exits 0 on SIGTERM; its version is known to the gateway', async ({ skip }) => {
    const service = `version-${name}`
    const one = await joining(name, service, skip)
    const gateway = await gatewayFor(service)
    await gateway.eligible(service, [one.id])
    expect(gateway.endpoint(service, one.id)?.version).toBe('1.0.0')
    one.signal('SIGTERM')
    expect(await one.exitCode()).toBe(0)
  })

  it('names its modules with a checksum for each, and brings no copies of them', () => {
    const modules = readFileSync(`${examples}${name}/go.mod`, 'utf8')
    const sums = readFileSync(`${examples}${name}/go.sum`, 'utf8')
    const required = [...modules.matchAll(/^(?:require|\t)\s?(\S+\/\S+) (v\S+)/gm)]
    expect(required.length).toBeGreaterThan(10)
    for (const [, path, version] of required) expect(sums).toContain(`${path} ${version}/go.mod h1:`)
    expect(existsSync(`${examples}${name}/vendor`)).toBe(false)
  })
})

describe('the Go program consul-api', () => {
  it('is asked by Consul, and called critical once it does not answer', async ({ skip }) => {
    const service = await joining('consul-api', 'checked', skip)
    const health = `http://127.0.0.1:${service.port}/health`
    expect((await fetch(health)).status).toBe(200)
    expect(checkOf(await entries('checked'))?.Status).toBe('passing')
    service.signal('SIGKILL')
    const failing = await entries('checked', (listed) => checkOf(listed)?.Status === 'critical')
    expect(checkOf(failing)?.Output).toContain(health)
  })
})

describe('the Go program go-micro', () => {
  it('is back with its next heartbeat after somebody removed it', async ({ skip }) => {
    const { id } = await joining('go-micro', 'removed', skip)
    await entries('removed', (listed) => listed.length === 1)
    await consul.api('PUT', `/v1/agent/service/deregister/${id}`)
    await entries('removed', (listed) => listed.length === 0)
    const [entry] = await entries('removed', (listed) => listed.length === 1)
    expect(entry?.Service.ID).toBe(id)
  })
})

describe('where Go is not at hand', () => {
  const anywhere = `${examples}consul-api`

  it('that it is not there is told apart from a program that is wrong', async () => {
    const noGo = await buildGoProgram(anywhere, directory, { PATH: directory })
    expect(noGo).toEqual({ whyNot: 'there is no `go` on PATH' })
  })

  it('modules out of reach are told apart from a program that is wrong', async ({ skip }) => {
    const program = built.get('consul-api')
    if (program !== undefined && 'whyNot' in program) skip(true, program.whyNot)
    const env = { ...process.env, GOMODCACHE: join(directory, 'none'), GOFLAGS: '-modcacherw' }
    for (const GOPROXY of ['off', 'http://127.0.0.1:1']) {
      const unreached = await buildGoProgram(anywhere, directory, { ...env, GOPROXY })
      expect(unreached).toMatchObject({ whyNot: expect.stringMatching(/^Go modules are out of reach/) as string })
    }
  })
})
