import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Client, connect, type ClientOptions } from '../../src/client.ts'
import { registerResolvers } from '../../src/grpc.ts'
import { type Joined, register, type RegisterOptions } from '../../src/register.ts'
import { CertificateFiles } from '../support/certificate-files.ts'
import { Authority } from '../support/certificates.ts'
import { runCommand } from '../support/cli.ts'
import { type Etcd, startEtcd } from '../support/etcd.ts'
import { untilEnded } from '../support/ending-program.ts'
import { freePorts } from '../support/free-ports.ts'
import { Caller } from '../support/grpc-caller.ts'
import { type Instance, startInstances } from '../support/instance.ts'
import { startJoiningService } from '../support/joining-service.ts'
import { Announcer, loopback } from '../support/mdns-announcer.ts'

let etcd: Etcd
let announcer: Announcer

beforeAll(async () => {
  registerResolvers()
  etcd = await startEtcd()
  announcer = await Announcer.start('go-micro')
})

afterAll(async () => {
  await etcd.kill()
  await announcer.close()
})

const placeOfEtcd = (): string => `127.0.0.1:${etcd.port}`
const placeOfMdns = (): string => `micro.:${announcer.port}`

/** A registry that services join and are found in, by one URL. */
interface Place {
  readonly url: () => string
  /** Of a gRPC channel. */
  readonly target: (service: string) => string
}

const onLoopback = `interfaces=${loopback.name}`
const places: Readonly<Record<string, Place>> = {
  etcd: {
    url: () => `etcd://${placeOfEtcd()}`,
    target: (service) => `etcd://${placeOfEtcd()}//micro/services/${service}`,
  },
  'etcd, in the words of grpc-go, with a prefix of its own': {
    url: () => `etcd://${placeOfEtcd()}?prefix=shop&format=grpc-go`,
    target: (service) => `etcd://${placeOfEtcd()}/shop/${service}`,
  },
  'etcd, as go-zero has it': {
    url: () => `etcd://${placeOfEtcd()}?format=go-zero`,
    target: (service) => `etcd://${placeOfEtcd()}/${service}?format=go-zero`,
  },
  mDNS: {
    url: () => `mdns://${placeOfMdns()}?${onLoopback}`,
    target: (service) => `mdns://${placeOfMdns()}/${service}?${onLoopback}`,
  },
}

async function joined(url: string, instance: Instance, options: Partial<RegisterOptions> = {}): Promise<Joined> {
  const { id, port } = instance
  const here = { name: id.replace(/-\d+$/, ''), id, port, address: '127.0.0.1' }
  const one = await register({ ...here, registry: url, settle: 0, leaveOn: [], onEvent: () => {}, ...options })
  onTestFinished(() => one.leave())
  return one
}

async function instancesOf(service: string): Promise<readonly [Instance, Instance]> {
  const instances = await startInstances(service, 2)
  onTestFinished(async () => void (await Promise.all(instances.map((instance) => instance.close()))))
  return instances as unknown as readonly [Instance, Instance]
}

function clientOf(service: string, options: ClientOptions): Client {
  const client = connect(service, options)
  onTestFinished(() => client.close())
  return client
}

/** Calls until exactly these have answered the last so many. */
async function untilServedBy(client: Client, instances: readonly Instance[]): Promise<void> {
  for (;;) {
    const seen = new Set<string | null>()
    for (let i = 0; i < 4; i++) {
      const response = await client.fetch('/')
      await response.text()
      seen.add(response.headers.get('x-instance'))
    }
    if (seen.size === instances.length && instances.every(({ id }) => seen.has(id))) return
  }
}

describe.each(Object.entries(places))('%s', (title, { url, target }) => {
  const serviceOf = (what: string): string => `${what}${Object.keys(places).indexOf(title)}`

  it('is where the client finds instances, and sees them come and go', async () => {
    const service = serviceOf('found')
    const [one, two] = await instancesOf(service)
    await joined(url(), one)
    const client = clientOf(service, { registry: url() })
    await untilServedBy(client, [one])
    const second = await joined(url(), two)
    await untilServedBy(client, [one, two])
    await second.leave()
    await untilServedBy(client, [one])
    // It served no more before it was gone.
    await vi.waitFor(() => {
      expect(client.instances().map(({ address }) => address)).toEqual([`127.0.0.1:${one.port}`])
    })
  })

  it('is where gRPC channels find servers, and see them come and go without a failed call', async () => {
    const service = serviceOf('called')
    const start = async () => {
      const server = await startJoiningService(service, url(), 'grpc-service')
      onTestFinished(async () => {
        server.signal('SIGKILL')
        await server.ended()
      })
      return server
    }
    const [one, two] = await Promise.all([start(), start()])
    const caller = new Caller(target(service))
    await caller.untilServedBy([one, two])
    one.signal('SIGTERM')
    expect(await one.ended()).toBe('SIGTERM')
    await caller.untilServedBy([two])
    expect(caller.failed).toEqual([])
  })

  it('is what the commands list', async () => {
    const service = serviceOf('listed')
    const [one] = await instancesOf(service)
    await joined(url(), one, { version: '2' })
    const { stdout, exitCode } = await runCommand('instances', service, '--registry', url())
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`${one.id}  127.0.0.1:${one.port}  passing`)
  })
})

describe('a program that calls by a name', () => {
  it.each(['etcd', 'mDNS'])('and closes nothing ends when it has nothing else to do: %s', async (title) => {
    const { url, target } = places[title] as Place
    const server = await startJoiningService('ending', url(), 'grpc-service')
    onTestFinished(async () => {
      server.signal('SIGKILL')
      await server.ended()
    })
    const [one] = await instancesOf('ending-http')
    await joined(url(), one)
    const [channel, client] = await Promise.all([
      untilEnded('grpc-program.ts', { TARGET: target('ending') }),
      untilEnded('client-program.ts', { SERVICE: 'ending-http', REGISTRY: url() }),
    ])
    expect(channel).toEqual({ said: `hello you, says ${server.pid}\n`, exitCode: 0 })
    expect(client).toEqual({ said: '200\n', exitCode: 0 })
  })

  it('lives on until the call has failed, though nothing is open while the registry is gone', async () => {
    const [closed = 0] = await freePorts(1)
    const REGISTRY = `etcd://127.0.0.1:${closed}`
    const ended = await untilEnded('client-program.ts', { SERVICE: 'gone', REGISTRY, TIMEOUT: '500ms' })
    expect(ended).toEqual({ said: expect.stringContaining('gone') as string, exitCode: 0 })
    expect(ended.said).toContain('ClientError')
  })
})

describe('a registry that makes no checks', () => {
  it('has none but well instances, by the check that the process makes itself', async () => {
    const [one, two] = await instancesOf('checked')
    one.isHealthy = false
    const check = { http: '/health' } as const
    const sick = await joined(`etcd://${placeOfEtcd()}`, one, { check })
    await joined(`etcd://${placeOfEtcd()}`, two, { check })
    const client = clientOf('checked', { registry: `etcd://${placeOfEtcd()}` })
    await untilServedBy(client, [two])
    one.isHealthy = true
    sick.reportNow()
    await untilServedBy(client, [one, two])
    expect(client.instances().map(({ state }) => state)).toEqual(['eligible', 'eligible'])
  })

  it('is no place to register what nobody keeps there', async () => {
    const args = ['--name', 'x', '--port', '1', '--registry', `etcd://${placeOfEtcd()}`]
    const { stderr, exitCode } = await runCommand('register', ...args)
    expect(exitCode).toBe(1)
    expect(stderr).toContain('makes no checks, and forgets what sends no heartbeats; use `tidegate run`')
  })
})

const registry = (): string[] => ['--registry', `etcd://${placeOfEtcd()}`]
const keyOf = (id: string): string => `/micro/services/orphaned/${id}`

describe('what looks after etcd', () => {
  it('finds what takes no connections, and removes it', async () => {
    const [one] = await instancesOf('alive')
    await etcd.api.put(keyOf('dead'), '127.0.0.1:1')
    await etcd.api.put(keyOf('alive'), `127.0.0.1:${one.port}`)
    const found = await runCommand('zombies', 'orphaned', ...registry())
    expect(found.stdout).toMatch(/^service +id +address +status\norphaned +dead +127.0.0.1:1 +passing\n$/)
    await runCommand('zombies', 'orphaned', '--remove', ...registry())
    const left = await runCommand('instances', 'orphaned', ...registry())
    expect(left.stdout).not.toContain('dead')
    await runCommand('deregister', '--name', 'orphaned', '--id', 'alive', ...registry())
    expect((await runCommand('instances', 'orphaned', ...registry())).stdout).toContain('has no instance')
  })
})

describe('an etcd registry', () => {
  it.each([
    ['etcd://h?format=jsn', 'did you mean "json"?'],
    ['etcd://h?format=auto', 'have no format "auto"'],
    ['etcd://h?token=x', 'takes no `token`'],
    ['etcd://h h:1', 'no host and port'],
    ['etcd://h?tls=yes', '`tls` is true or false'],
    ['etcd://h?tls=false&ca=/ca.pem', '`ca` needs TLS'],
    ['etcd://h?ca=/nowhere/ca.pem', "`ca` can't be read"],
    ['etcd://h?ca=/etc/hostname', 'is not PEM'],
    ['etcd://h?verify=no', '`verify` is true or false'],
  ])('%s is refused', async (url, why) => {
    const failure = await register({ name: 'x', port: 1, leaveOn: [], registry: url }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'invalid', message: expect.stringContaining(why) as string })
    expect(() => connect('x', { registry: url })).toThrow(why)
  })

  it('tells what its format has no words for, and how it counts', async () => {
    const told: string[] = []
    const [one] = await instancesOf('told')
    await joined(`etcd://${placeOfEtcd()}?format=grpc-go`, one, {
      weight: 3,
      tags: ['a'],
      version: '1',
      check: { ttl: '1500ms' },
      onEvent: ({ type, message }) => void (type === 'warning' && told.push(message)),
    })
    expect(told).toEqual([
      'etcd raises a ttl of 1500ms to 2s',
      expect.stringContaining('no word for `weight`'),
      expect.stringContaining('no word for `tags`'),
    ])
  })
})

describe('an etcd of several members', () => {
  it('is joined through another one where one is gone', async () => {
    const [closed = 0] = await freePorts(1)
    const [one] = await instancesOf('members')
    // Whichever is asked first.
    for (const hosts of [`127.0.0.1:${closed},${placeOfEtcd()}`, `${placeOfEtcd()},127.0.0.1:${closed}`]) {
      const there = await joined(`etcd://${hosts}`, one)
      expect(there.state).toBe('joined')
      expect(await etcd.api.ids('/micro/services/members/')).toEqual([one.id])
      await there.leave()
      expect(await etcd.api.ids('/micro/services/members/')).toEqual([])
    }
  })
})

describe('an etcd that speaks TLS alone, with those who show a certificate', () => {
  it('is joined, asked and followed by the files that the URL names, and says what is missing', async () => {
    const files = new CertificateFiles()
    const authority = Authority.create('cluster')
    const pair = files.writePair('etcd', authority.issue({ names: ['127.0.0.1'] }))
    const client = files.writePair('client', authority.issue({ names: ['client'] }))
    const other = files.writePair('other', authority.issue({ names: ['client'] }))
    const ca = files.write('ca.pem', authority.cert)
    const secured = await startEtcd({ tls: { ca, ...pair } })
    onTestFinished(() => secured.kill())
    const urlWith = (params: Readonly<Record<string, string>>): string => {
      return `etcd://127.0.0.1:${secured.port}?${new URLSearchParams(params).toString()}`
    }
    const [one] = await instancesOf('secured')
    const url = urlWith({ ca, ...client })
    const there = await joined(url, one)
    await untilServedBy(clientOf('secured', { registry: url }), [one])
    const listed = await runCommand('instances', 'secured', '--registry', url)
    expect(listed.stdout).toContain(`${one.id}  127.0.0.1:${one.port}  passing`)
    const server = await startJoiningService('secured-grpc', url, 'grpc-service')
    const query = new URLSearchParams({ ca, ...client }).toString()
    await new Caller(`etcd://127.0.0.1:${secured.port}//micro/services/secured-grpc?${query}`).untilServedBy([server])
    server.signal('SIGTERM')
    expect(await server.ended()).toBe('SIGTERM')
    await there.leave()
    expect((await runCommand('instances', 'secured', '--registry', url)).stdout).toContain('has no instance')

    const stateBy = async (params: Readonly<Record<string, string>>): Promise<unknown> => {
      const tried = await joined(urlWith(params), one, { joinTimeout: 500 }).catch((error: unknown) => error)
      return tried instanceof Error ? tried.message : (tried as Joined).state
    }
    // Nobody who believes the authority: it is tried on, as while etcd is away.
    expect(await stateBy({ tls: 'true', ...client })).toBe('joining')
    expect(await stateBy({ ca })).toBe('joining')
    expect(await stateBy({ ca, ...client, servername: 'etcd.example' })).toBe('joining')
    expect(await stateBy({ ...client, verify: 'false' })).toBe('joined')
    expect(await stateBy({ ca, cert: client.cert })).toContain('takes both `cert` and `key`')
    expect(await stateBy({ ca, cert: client.cert, key: other.key })).toContain('OpenSSL does not take')
  })
})

describe('an etcd with authentication', () => {
  it('is joined by a user who may write there, and tells who may not', async () => {
    const guarded = await startEtcd()
    onTestFinished(() => guarded.kill())
    const { api } = guarded
    const all = { key: btoa('/micro/services/'), range_end: btoa('/micro/services0') }
    await api.call('/v3/auth/user/add', { name: 'root', password: 'root' })
    await api.call('/v3/auth/user/grant', { user: 'root', role: 'root' })
    for (const [name, permType] of [
      ['reader', 'READ'],
      ['writer', 'READWRITE'],
    ]) {
      await api.call('/v3/auth/role/add', { name })
      await api.call('/v3/auth/role/grant', { name, perm: { permType, ...all } })
      await api.call('/v3/auth/user/add', { name, password: 'secret' })
      await api.call('/v3/auth/user/grant', { user: name, role: name })
    }
    await api.call('/v3/auth/enable', {})
    const urlFor = (user: string) => `etcd://127.0.0.1:${guarded.port}?${user}`
    const [one] = await instancesOf('guarded')
    const refused = async (user: string): Promise<unknown> => joined(urlFor(user), one).catch((error: unknown) => error)
    expect(await refused('username=writer&password=wrong')).toMatchObject({ code: 'denied' })
    expect(await refused('username=reader&password=secret')).toMatchObject({
      code: 'denied',
      message: expect.stringContaining('`readwrite` on all keys of the prefix') as string,
    })
    expect(await refused('')).toMatchObject({ code: 'denied' })
    const writer = urlFor('username=writer&password=secret')
    const there = await joined(writer, one, { check: { ttl: '2s' } })
    const client = clientOf('guarded', { registry: urlFor('username=reader&password=secret') })
    await untilServedBy(client, [one])
    await there.leave()
    const listed = await runCommand('instances', 'guarded', '--registry', writer)
    expect(listed.stdout).toContain('has no instance')
  })
})
