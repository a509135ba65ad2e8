import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import dnsPacket, { encode } from 'dns-packet'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createDiscovery } from '../../src/discovery/index.ts'
import type { SkippedEntry } from '../../src/discovery/contract.ts'
import type { Interface } from '../../src/discovery/mdns/interfaces.ts'
import { mdnsLimits, type MdnsLimits } from '../../src/discovery/mdns/options.ts'
import { mdns } from '../../src/discovery/mdns/source.ts'
import { seededRandom } from '../../src/util/random.ts'
import { Announcer, loopback, type Style } from '../support/mdns-announcer.ts'
import { recorded } from '../support/mdns-packets.ts'
import { watch } from '../support/watching.ts'

/** Real multicast on the loopback interface, on a port of the test's own. */
async function start(style: Style, limits: Partial<MdnsLimits> = {}) {
  const announcer = await Announcer.start(style)
  const skipped: SkippedEntry[] = []
  const open = () => {
    const discovery = mdns(
      { name: 'lan', type: 'mdns', domain: style === 'dns-sd' ? 'local' : 'micro', interfaces: null },
      { random: seededRandom(1), onSkipped: (entry) => skipped.push(entry) },
      {
        ...mdnsLimits,
        port: announcer.port,
        answerWindowMs: 50,
        queryGapMs: 100,
        goodbyeMs: 50,
        interfaceCheckMs: 10,
        readInterfaces: () => [loopback],
        ...limits,
      },
    )
    onTestFinished(async () => discovery.close())
    return discovery
  }
  onTestFinished(async () => announcer.close())
  return { announcer, skipped, open }
}

/** For who has to be in the first answer, on a busy machine too. */
const unhurried = { answerWindowMs: 500 }
const web = { service: '_http._tcp', id: 'web-1', host: '127.0.0.1', port: 8001 }

/** A socket that sends from there to the group. */
async function sender(from: { port: number; reuseAddr: boolean }): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: from.reuseAddr })
  socket.bind(from.port)
  await once(socket, 'listening')
  socket.setMulticastInterface(loopback.address)
  onTestFinished(() => void socket.close())
  return socket
}

async function send(socket: Socket, bytes: Buffer, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.send(bytes, port, mdnsLimits.group, (error) => (error ? reject(error) : resolve()))
  return promise
}

describe('mDNS', () => {
  it('reads what go-micro sends, off the wire', async () => {
    const { announcer, open } = await start('go-micro')
    const watching = watch(open(), 'go.micro.srv.greeter')
    expect(await watching.next()).toMatchObject({ instances: [] })
    const socket = await sender({ port: announcer.port, reuseAddr: true })
    for (const bytes of recorded('go-micro', 'announce')) await send(socket, bytes, announcer.port)
    const { instances } = await watching.until((answer) => answer.instances.length === 3)
    expect(instances.map(({ host, port, version }) => [host, port, version])).toEqual([
      ['127.0.0.1', 8081, '1.2.0'],
      ['2001:db8::6', 8086, 'latest'],
      ['127.0.0.2', 8082, 'latest'],
    ])
    for (const bytes of recorded('go-micro', 'goodbye')) await send(socket, bytes, announcer.port)
    await watching.until((answer) => answer.instances.length === 2)
  })

  it('asks for all watched services in one message', async () => {
    const { announcer, open } = await start('dns-sd', { queryGapMs: 60_000, ...unhurried })
    const discovery = open()
    const names = ['_a._tcp', '_b._tcp', '_c._tcp']
    for (const name of names) await announcer.announce({ ...web, service: name })
    const first = await Promise.all(names.map(async (name) => watch(discovery, name).next()))
    expect(first.map((answer) => answer?.instances.length)).toEqual([1, 1, 1])
    expect(announcer.questions.toSorted()).toEqual(names.map((name) => `PTR ${name}.local`))
    expect(announcer.queries).toBe(1)
  })

  it('has its own answers of go-micro, which answers only whom asked, in each of several gateways', async () => {
    const { announcer, open } = await start('go-micro', unhurried)
    await announcer.announce({ ...web, service: 'web' })
    const answers = await Promise.all([open(), open()].map(async (discovery) => watch(discovery, 'web').next()))
    expect(answers.map((answer) => answer?.instances.map(({ id }) => id))).toEqual([['web-1'], ['web-1']])
  })

  it('loses an instance whose host has vanished when its records end, and asks for it before', async () => {
    const { announcer, open } = await start('dns-sd', { queryGapMs: 60_000 })
    await announcer.announce({ ...web, ttlSeconds: 1 })
    const watching = watch(open(), '_http._tcp')
    await watching.until(({ instances }) => instances.length === 1)
    announcer.isMute = true
    announcer.questions.length = 0
    expect(await watching.next()).toMatchObject({ instances: [], mayHaveForgotten: false })
    expect(announcer.questions).toContain('SRV web-1._http._tcp.local')
  })

  it('is not led by garbage, by other ports than the protocol has, nor by queries that carry answers', async () => {
    const { announcer, open, skipped } = await start('dns-sd')
    const discovery = open()
    const watching = watch(discovery, '_http._tcp')
    await watching.next()
    const { pointer, rest } = announcer.recordsOf({ ...web, id: 'evil' })
    const answers = [pointer, ...rest]
    const stranger = await sender({ port: 0, reuseAddr: false })
    const insider = await sender({ port: announcer.port, reuseAddr: true })
    await send(stranger, encode({ type: 'response', answers }), announcer.port)
    await send(insider, encode({ type: 'query', questions: [], answers, authorities: answers }), announcer.port)
    const good = encode({ type: 'response', answers })
    for (let length = 0; length < good.length; length++) await send(insider, good.subarray(0, length), announcer.port)
    await send(insider, Buffer.alloc(9000, 0xc0), announcer.port)
    await announcer.announce(web)
    const { instances } = await watching.until((answer) => answer.instances.length > 0)
    expect(instances.map(({ id }) => id)).toEqual(['web-1'])
    expect(skipped).toEqual([])
  })

  it('does not even read what comes from elsewhere, nor what costs more to read than any honest message', async () => {
    const { announcer, open } = await start('dns-sd')
    const watching = watch(open(), '_http._tcp')
    await watching.next()
    const read = vi.spyOn(dnsPacket, 'decode')
    onTestFinished(() => read.mockRestore())
    const fromElsewhere = Buffer.alloc(9000, 0xc0)
    const costly = encode({
      type: 'response',
      answers: Array.from({ length: 10 }, () => ({ type: 'TXT' as const, name: 'a', data: Array(2000).fill('') })),
    })
    await send(await sender({ port: 0, reuseAddr: false }), fromElsewhere, announcer.port)
    await send(await sender({ port: announcer.port, reuseAddr: true }), costly, announcer.port)
    await announcer.announce(web)
    await watching.until((answer) => answer.instances.length > 0)
    // The announcer, which hears everything, has read them.
    for (const sent of [fromElsewhere, costly]) {
      expect(read.mock.calls.filter(([bytes]) => bytes.equals(sent))).toHaveLength(1)
    }
  })

  it('fails the watches whose instances were heard on an interface that is gone, and asks the others anew', async () => {
    let interfaces: readonly Interface[] = [loopback]
    const { announcer, open } = await start('dns-sd', { readInterfaces: () => interfaces, queryGapMs: 400 })
    const discovery = open()
    await announcer.announce(web)
    const heard = watch(discovery, '_http._tcp')
    const other = watch(discovery, '_other._tcp')
    await heard.until(({ instances }) => instances.length === 1)
    const failure = heard.next().catch((error: unknown) => error)
    interfaces = [{ ...loopback, name: 'lo-again' }]
    expect(await failure).toMatchObject({
      name: 'DiscoveryError',
      code: 'unreachable',
      message: expect.stringContaining('lost interface lo (127.0.0.1)'),
    })
    expect(await other.next()).toMatchObject({ instances: [] })
    const again = watch(discovery, '_http._tcp')
    await again.until(({ instances }) => instances.length === 1)
  })

  it('says what is wrong when another program has the port for itself', async () => {
    const { announcer, open } = await start('dns-sd')
    await announcer.close()
    await sender({ port: announcer.port, reuseAddr: false })
    const failure: unknown = await watch(open(), '_http._tcp')
      .next()
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({
      name: 'DiscoveryError',
      code: 'unreachable',
      message: expect.stringContaining(`UDP port ${announcer.port}`),
    })
  })

  it('says so when the configured interface is not there, and when a name can not be asked for', async () => {
    const context = { random: seededRandom(1), onSkipped: () => {} }
    const discovery = createDiscovery<'mdns'>(
      { name: 'lan', type: 'mdns', domain: 'local', interfaces: ['no-such-interface'] },
      context,
    )
    onTestFinished(async () => discovery.close())
    const reasonOf = async (service: string) =>
      watch(discovery, service)
        .next()
        .catch((error: unknown) => error)
    expect(await reasonOf('_http._tcp')).toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('no-such-interface'),
    })
    expect(await reasonOf('a..b')).toMatchObject({ code: 'unreadable', message: expect.stringContaining('empty part') })
    expect(await reasonOf('x'.repeat(64))).toMatchObject({ code: 'unreadable' })
  })
})
