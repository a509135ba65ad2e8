import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Packet, TxtData } from 'dns-packet'
import multicastDns, { type MulticastDNS, type ResponsePacket } from 'multicast-dns'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openMdnsSource } from '../../src/join/mdns/source.ts'
import { type JoinEvent, type Joined, register, type RegisterOptions } from '../../src/register.ts'
import { readServiceText } from '../../src/discovery/mdns/service-text.ts'
import { Announcer, loopback } from '../support/mdns-announcer.ts'
import { recorded } from '../support/mdns-packets.ts'
import { watch } from '../support/watching.ts'
import { decode } from 'dns-packet'

type Domain = 'local' | 'micro'

/** Somebody else on the loopback interface, on a port of the test's own, and instances that join there. */
async function stage(domain: Domain) {
  const other = await Announcer.start(domain === 'local' ? 'dns-sd' : 'go-micro')
  onTestFinished(() => other.close())
  const { port } = other
  const events: JoinEvent[] = []
  const join = async (options: Partial<RegisterOptions> = {}): Promise<Joined> => {
    const joined = await register({
      name: domain === 'local' ? '_http._tcp' : 'greeter',
      id: 'one',
      port: 8001,
      address: '127.0.0.1',
      registry: `mdns://${domain}.:${port}?interfaces=${loopback.name}`,
      check: { ttl: '1s' },
      settle: 0,
      leaveOn: [],
      onEvent: (event) => events.push(event),
      ...options,
    })
    onTestFinished(() => joined.leave())
    return joined
  }
  const source = openMdnsSource({ domain, port, interfaces: [loopback.name] }, { random: () => 0, onSkipped: () => {} })
  onTestFinished(() => source.close())
  return { other, port, events, join, source }
}

/** A socket of the group that hears and says what it is told. */
async function socketFor(port: number): Promise<MulticastDNS> {
  const mdns = multicastDns({ port, interface: loopback.address, bind: '0.0.0.0' })
  onTestFinished(() => mdns.destroy())
  await once(mdns, 'ready')
  return mdns
}

/** Who asks from a port of its own, and is answered there. */
async function asker(port: number): Promise<(question: { name: string; type: string }) => Promise<ResponsePacket>> {
  const mdns = multicastDns({ port: 0, interface: loopback.address })
  onTestFinished(() => mdns.destroy())
  await once(mdns, 'ready')
  return async (question) => {
    const answered = once(mdns, 'response')
    mdns.query({ id: 7, questions: [question as never] }, { port, address: '224.0.0.251' })
    const [response] = (await answered) as [ResponsePacket]
    return response
  }
}

function shapeOf(packet: Packet): string[] {
  return (packet.answers ?? []).map(({ type, ...rest }) => `${type} ${'ttl' in rest ? rest.ttl : ''}`).toSorted()
}

describe('an instance that joins mDNS', () => {
  it('asks three times whether its name is free, then says that it is there, twice at least', async () => {
    const { join, port } = await stage('local')
    const listener = await socketFor(port)
    const probes: unknown[] = []
    listener.on('query', ({ questions, authorities = [] }) => {
      if (authorities.length > 0) probes.push(questions)
    })
    const announced: ResponsePacket[] = []
    const twice = Promise.withResolvers<void>()
    listener.on('response', (packet) => {
      announced.push(packet)
      if (announced.length === 2) twice.resolve()
    })
    await join({ meta: { path: '/x' }, version: '2', tags: ['a', 'b'], weight: 3 })
    await twice.promise
    expect(probes).toHaveLength(3)
    expect(probes[0]).toMatchObject([{ name: 'one._http._tcp.local', type: 'ANY' }])
    expect(announced[0]?.answers).toMatchObject([
      { type: 'PTR', name: '_http._tcp.local', flush: false, ttl: 120, data: 'one._http._tcp.local' },
      { type: 'SRV', flush: true, ttl: 120, data: { port: 8001, weight: 3, target: 'tidegate-127-0-0-1.local' } },
      { type: 'A', name: 'tidegate-127-0-0-1.local', data: '127.0.0.1' },
      { type: 'TXT', flush: true },
    ])
    expect(announced[1]?.answers).toEqual(announced[0]?.answers)
  })

  it('is refused, and told whose the name is, where somebody has it', async () => {
    const { join, other } = await stage('local')
    await other.announce({ service: '_http._tcp', id: 'one', host: '127.0.0.2', port: 9000 })
    // It answers questions for the records, not for ANY: it says it while it is asked.
    const saying = setInterval(
      () => void other.announce({ service: '_http._tcp', id: 'one', host: '127.0.0.2', port: 9000 }),
      50,
    )
    onTestFinished(() => clearInterval(saying))
    const failure = await join().catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('one-host.local:9000') as string,
    })
  })

  it('is not taken away by a goodbye that somebody else says for it', async () => {
    const { join, other, source } = await stage('local')
    const repaired = Promise.withResolvers<void>()
    await join({ onEvent: ({ type }) => void (type === 'repaired' && repaired.resolve()) })
    const watching = watch(source, '_http._tcp')
    await watching.until(({ instances }) => instances.length === 1)
    await other.announce({ service: '_http._tcp', id: 'two', host: '127.0.0.1', port: 8002 })
    await watching.until(({ instances }) => instances.length === 2)
    const { pointer, rest } = other.recordsOf({
      service: '_http._tcp',
      id: 'one',
      host: '127.0.0.1',
      port: 8001,
      ttlSeconds: 0,
    })
    const forged = rest.map((record) =>
      record.type === 'SRV' ? { ...record, data: { ...record.data, target: 'tidegate-127-0-0-1.local' } } : record,
    )
    await other.send([pointer, ...forged])
    await repaired.promise
    // Whoever goes is gone a second later: by then the forged one has had its effect, too.
    await other.goodbye('_http._tcp', 'two')
    const { instances } = await watching.until((answer) => !answer.instances.some(({ id }) => id === 'two'))
    expect(instances.map(({ id }) => id)).toEqual(['one'])
  })

  it('is among the services that somebody asks for', async () => {
    const { join, port } = await stage('local')
    await join()
    const ask = await asker(port)
    const { answers } = await ask({ name: '_services._dns-sd._udp.local', type: 'PTR' })
    expect(answers).toMatchObject([{ type: 'PTR', data: '_http._tcp.local' }])
  })
})

describe('in go-micro’s domain', () => {
  it('answers as go-micro does: whoever asked, with its question and all records at once', async () => {
    const { join, port } = await stage('micro')
    await join({ version: '1.2.0', meta: { zone: 'a' } })
    const ask = await asker(port)
    const response = await ask({ name: 'greeter.micro', type: 'PTR' })
    const [theirs] = recorded('go-micro', 'answer').map((bytes) => decode(bytes))
    expect(response).toMatchObject({ id: 7, flag_aa: true, questions: [{ name: 'greeter.micro', type: 'PTR' }] })
    expect(shapeOf(response)).toEqual(shapeOf(theirs!).map((line) => line.replace('AAAA', 'A')))
    const text = response.answers?.find(({ type }) => type === 'TXT') as { data: TxtData }
    expect(readServiceText(text.data as Buffer[])).toMatchObject({
      service: 'greeter',
      version: '1.2.0',
      meta: { zone: 'a' },
    })
    const listed = await ask({ name: '_services.micro', type: 'PTR' })
    expect(listed.answers?.[0]).toMatchObject({ type: 'PTR', data: 'greeter._services.micro' })
  })

  it('announces and says goodbye with the records that go-micro’s watchers need', async () => {
    const { join, port } = await stage('micro')
    const listener = await socketFor(port)
    const heard: ResponsePacket[] = []
    const saidGoodbye = Promise.withResolvers<ResponsePacket>()
    listener.on('response', (packet) => {
      heard.push(packet)
      if (packet.answers?.some((answer) => 'ttl' in answer && answer.ttl === 0)) saidGoodbye.resolve(packet)
    })
    const joined = await join()
    await joined.leave()
    const goodbye = await saidGoodbye.promise
    const shapes = (step: string) => shapeOf(decode(recorded('go-micro', step)[0]!))
    expect(shapeOf(heard[0]!)).toEqual(shapes('announce'))
    expect(shapeOf(goodbye)).toEqual(shapes('goodbye'))
  })
})

describe('an mDNS registry', () => {
  it.each([
    ['mdns://micro.,local.', 'no domain'],
    ['mdns://-x', 'no domain'],
    ['mdns://micro./greeter', 'no "/greeter"'],
    ['mdns://micro.?interface=lo', 'takes no `interface`'],
  ])('%s is refused', async (registry, why) => {
    const failure = await register({ name: 'x', port: 1, leaveOn: [], registry }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'invalid', message: expect.stringContaining(why) as string })
  })

  it('tells what the network can not say', async () => {
    const { join, events } = await stage('local')
    const meta = { long: 'x'.repeat(255), 'a=b': '1' }
    await join({ name: 'plain', meta, check: { tcp: '127.0.0.1:1' } })
    expect(events.filter(({ type }) => type === 'warning').map(({ message }) => message)).toEqual([
      expect.stringContaining('makes no checks'),
      expect.stringContaining('nobody but Tidegate will look for plain'),
      expect.stringContaining('long, a=b'),
    ])
  })

  it('says what is wrong when another program has the port for itself, and joins when it is gone', async () => {
    const { join, other, port } = await stage('local')
    await other.close()
    const thief = createSocket({ type: 'udp4', reuseAddr: false }).bind(port)
    await once(thief, 'listening')
    const told: JoinEvent[] = []
    const back = Promise.withResolvers<void>()
    const onEvent = (event: JoinEvent): void => {
      told.push(event)
      if (event.type === 'back') back.resolve()
    }
    const joined = await join({ joinTimeout: 1, onEvent })
    expect(joined.state).toBe('joining')
    thief.close()
    await back.promise
    expect(joined.state).toBe('joined')
    expect(told.map(({ type }) => type)).toEqual(['lost', 'registered', 'back'])
    expect(told[0]?.message).toContain(`UDP port ${port}`)
  })

  it('refuses a service of which no name can be made', async () => {
    const { join } = await stage('micro')
    const failure = await join({ name: 'a..b' }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'invalid', message: expect.stringContaining('"a..b"') as string })
  })
})
