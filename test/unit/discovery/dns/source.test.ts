import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { SkippedEntry } from '../../../../src/discovery/contract.ts'
import type { DnsOptions } from '../../../../src/discovery/dns/options.ts'
import { dns } from '../../../../src/discovery/dns/source.ts'
import {
  a,
  cname,
  type DnsScript,
  type ScriptedDnsReply,
  soa,
  srv,
  startScriptedDns,
} from '../../../support/scripted-dns.ts'
import { watch } from '../../../support/watching.ts'

const web = 'web.example.com'
const nobody: ScriptedDnsReply = { code: 3, authorities: [soa(0)] }

/** A watch of `web` in example.com on a server that follows the script; answers hold for 20 ms at least. */
async function start(script: DnsScript, options: Partial<DnsOptions> = {}, service = 'web') {
  const server = await startScriptedDns(script)
  const skipped: SkippedEntry[] = []
  const firstSkipped = Promise.withResolvers<SkippedEntry>()
  const defaults = { record: 'srv', domain: 'example.com', port: null, minTtlMs: 20, maxTtlMs: 60_000 } as const
  const discovery = dns(
    { name: 'names', type: 'dns', servers: [server], timeoutMs: 2000, ...defaults, ...options },
    {
      random: () => 0,
      onSkipped: (entry) => {
        skipped.push(entry)
        firstSkipped.resolve(entry)
      },
    },
  )
  const watching = watch(discovery, service)
  onTestFinished(async () => {
    await discovery.close()
    await server.close()
  })
  /** Each instance of the next answer as `id@host*weight`. */
  const next = async () =>
    (await watching.next())?.instances.map(({ id, host, weight }) => `${id}@${host}*${weight}`).join(' ')
  return { server, discovery, watching, skipped, firstSkipped: firstSkipped.promise, next }
}

/** Answers by `TYPE name`; a name that is not there does not exist. */
function zone(records: Readonly<Record<string, ScriptedDnsReply>>): DnsScript {
  return ({ type, name }) => records[`${type} ${name}`] ?? nobody
}

/** Two servers of `web`, with their addresses. */
function pair(one: { priority?: number; weight?: number }, other: { priority?: number; weight?: number }) {
  return zone({
    [`SRV ${web}`]: {
      answers: [
        srv(web, { target: 'a.example.com', port: 80, ...one }),
        srv(web, { target: 'b.example.com', port: 80, ...other }),
      ],
      additionals: [a('a.example.com', '10.0.0.1'), a('b.example.com', '10.0.0.2')],
    },
  })
}

/** One turn of the event loop. */
async function turn(): Promise<void> {
  await new Promise((resolve) => void setImmediate(resolve))
}

/** For how long an answer holds, to the millisecond. */
async function holdOf(reply: ScriptedDnsReply, options: Partial<DnsOptions> = {}): Promise<number> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { watching, server } = await start(() => reply, options)
  await watching.next()
  while (vi.getTimerCount() === 0) await turn()
  expect(server.requests).toHaveLength(1)
  const asked = server.nextRequest()
  let heldMs = 0
  for (const timer = vi.getTimerCount(); timer === vi.getTimerCount() && heldMs < 1_000_000; heldMs++)
    vi.advanceTimersByTime(1)
  await asked
  return heldMs
}

describe('SRV records', () => {
  it('give host, port and weight, and the address that came along', async () => {
    const { watching } = await start(pair({ weight: 3, priority: 10 }, { weight: 5, priority: 10 }))
    expect((await watching.next())?.instances).toMatchObject([
      {
        id: 'a.example.com:80',
        node: '',
        host: '10.0.0.1',
        hostName: 'a.example.com',
        port: 80,
        weight: 3,
        status: 'passing',
      },
      { host: '10.0.0.2', weight: 5, meta: { priority: '10' } },
    ])
  })

  it('count weight 0 as 1: seldom among others, as often as each among its like', async () => {
    expect(await (await start(pair({ weight: 0 }, { weight: 10 }))).next()).toMatch(/10\.0\.0\.1\*1 .*10\.0\.0\.2\*10$/)
    expect(await (await start(pair({ weight: 0 }, { weight: 0 }))).next()).toMatch(/10\.0\.0\.1\*1 .*10\.0\.0\.2\*1$/)
  })

  it('are used of the lowest priority that has anybody, and of the next once that has nobody', async () => {
    let isFirstGone = false
    const { next } = await start((request, count) => {
      const script = isFirstGone
        ? pair({ priority: 3 }, { priority: 2, weight: 4 })
        : pair({ priority: 1 }, { priority: 2, weight: 4 })
      return script(request, count)
    })
    expect(await next()).toBe('a.example.com:80@10.0.0.1*1')
    isFirstGone = true
    expect(await next()).toBe('b.example.com:80@10.0.0.2*4')
  })

  it('spill over to the next priority when no target of the lowest has an address', async () => {
    const { next, firstSkipped } = await start(
      zone({
        [`SRV ${web}`]: {
          answers: [
            srv(web, { target: 'gone.invalid', port: 80, priority: 1 }),
            srv(web, { target: 'b.example.com', port: 80, priority: 2 }),
          ],
          additionals: [a('b.example.com', '10.0.0.2')],
        },
      }),
    )
    expect(await next()).toBe('b.example.com:80@10.0.0.2*1')
    expect(await firstSkipped).toMatchObject({
      service: 'web',
      entry: 'gone.invalid',
      reason: expect.stringMatching(/^no address: /),
    })
  })

  it('have their targets asked for, through aliases, where no address came along', async () => {
    const { next, server } = await start(
      zone({
        [`SRV ${web}`]: { answers: [srv(web, { target: 'a.example.com', port: 80, weight: 2 })] },
        'A a.example.com': { answers: [cname('a.example.com', 'c.example.com'), a('c.example.com', '10.0.0.3')] },
        'AAAA a.example.com': { answers: [cname('a.example.com', 'c.example.com')] },
        'AAAA c.example.com': { answers: [a('c.example.com', '2001:db8::3')] },
      }),
    )
    expect(await next()).toBe('a.example.com:80@10.0.0.3*2 a.example.com:80@2001:db8::3*2')
    expect(server.requests.map(({ type, name }) => `${type} ${name}`)).toContain('AAAA c.example.com')
  })

  it('keep the addresses of a target that nobody answers for any more', async () => {
    let weight = 1
    let isFailing = false
    const { next } = await start(({ type }) => {
      if (type === 'SRV') return { answers: [srv(web, { target: 'a.example.com', port: 80, weight })] }
      if (isFailing) return { code: 2 }
      return type === 'A' ? { answers: [a('a.example.com', '10.0.0.1')] } : nobody
    })
    expect(await next()).toBe('a.example.com:80@10.0.0.1*1')
    isFailing = true
    weight = 2
    expect(await next()).toBe('a.example.com:80@10.0.0.1*2')
  })

  it('that can not be instances are left out and reported once, and their neighbours kept', async () => {
    let weight = 1
    const { next, skipped } = await start(() => ({
      answers: [
        srv(web, { target: 'a.example.com', port: 0 }),
        srv(web, { target: 'a b.example.com', port: 80 }),
        srv(web, { target: '.', port: 80 }),
        srv(web, { target: 'b.example.com', port: 80, weight }),
        srv(web, { target: 'b.example.com', port: 80, weight: 9, priority: 5 }),
      ],
      additionals: [a('b.example.com', '10.0.0.2')],
    }))
    expect(await next()).toBe('b.example.com:80@10.0.0.2*1')
    weight = 2
    expect(await next()).toBe('b.example.com:80@10.0.0.2*2')
    expect(skipped.map(({ entry, reason }) => `${entry} ${reason}`)).toEqual([
      'a.example.com:0 port 0 is not between 1 and 65535',
      'a b.example.com:80 "a b.example.com" is neither an address nor a host name',
    ])
  })

  it('of a service that is decidedly not there are the word for nobody, in no doubt', async () => {
    const { watching } = await start(() => ({ answers: [srv(web, { target: '.', port: 0 })] }))
    expect(await watching.next()).toMatchObject({ instances: [], mayHaveForgotten: false })
  })

  it('may be found through aliases, and an alias of itself is an error', async () => {
    const followed = await start(
      zone({
        [`SRV ${web}`]: { answers: [cname(web, 'w2.example.com')] },
        'SRV w2.example.com': {
          answers: [srv('w2.example.com', { target: 'a.example.com', port: 80 })],
          additionals: [a('a.example.com', '10.0.0.1')],
        },
      }),
    )
    expect(await followed.next()).toBe('a.example.com:80@10.0.0.1*1')
    const looped = await start(() => ({ answers: [cname(web, 'w2.example.com'), cname('w2.example.com', web)] }))
    await expect(looped.next()).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringMatching(/alias of itself/),
    })
    const endless = await start(({ name }) => ({ answers: [cname(name, `x${name}`)] }))
    await expect(endless.next()).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringMatching(/more than 8 aliases/),
    })
  })
})

it('a consumer that leaves without aborting ends the asking', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { discovery } = await start(pair({}, {}))
  const iterator = discovery.watch('web', new AbortController().signal)[Symbol.asyncIterator]()
  await iterator.next()
  while (vi.getTimerCount() === 0) await turn()
  await iterator.return?.()
  await turn()
  expect(vi.getTimerCount()).toBe(0)
})

describe('the word for nobody', () => {
  it.each<[string, ScriptedDnsReply]>([
    ['NXDOMAIN', nobody],
    ['NXDOMAIN without an SOA', { code: 3 }],
    ['no error and no records', { authorities: [soa(0)] }],
    ['no error and nothing at all', {}],
  ])('%s is an empty list that may be a loss of memory', async (_, reply) => {
    let isGone = false
    const { watching, next } = await start((request, count) => (isGone ? reply : pair({}, {})(request, count)))
    expect(await next()).toContain('10.0.0.1')
    isGone = true
    expect(await watching.next()).toMatchObject({ instances: [], mayHaveForgotten: true })
  })

  it.each<[string, ScriptedDnsReply]>([
    ['SERVFAIL', { code: 2 }],
    ['a list of others to ask', { authorities: [{ type: 'NS', name: 'com', ttl: 0, data: 'ns.example.com' }] }],
    ['an answer about another name', { answers: [srv('other.example.com', { target: 'a.example.com', port: 80 })] }],
    ['nothing but an alias of a name that nobody serves', { answers: [cname(web, 'refused.example.org')] }],
  ])('%s is not: it is an error', async (_, reply) => {
    const { watching } = await start(({ name }) => (name === web ? reply : { code: 5 }))
    await expect(watching.next()).rejects.toMatchObject({ name: 'DiscoveryError' })
  })
})

describe('a TTL', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  const answer = (srvTtl: number, addressTtl: number): ScriptedDnsReply => ({
    answers: [srv(web, { target: 'a.example.com', port: 80 }, srvTtl)],
    additionals: [a('a.example.com', '10.0.0.1', addressTtl)],
  })

  it.each<[string, ScriptedDnsReply, Partial<DnsOptions>, number]>([
    ['says when to ask again', answer(30, 60), {}, 30_000],
    ['of an address that came along counts, too', answer(30, 7), {}, 7000],
    [
      'of an alias counts, too',
      {
        ...answer(30, 60),
        answers: [cname(web, 'w.example.com', 4), srv('w.example.com', { target: 'a.example.com', port: 80 }, 30)],
      },
      {},
      4000,
    ],
    ['of 0 holds for the least time', answer(0, 0), { minTtlMs: 1000 }, 1000],
    ['of a day holds for the most', answer(86_400, 86_400), { maxTtlMs: 5000 }, 5000],
    ["of nobody is the SOA's", { code: 3, authorities: [soa(15, 60)] }, {}, 15_000],
    ['of nobody is not longer than that of the SOA itself', { code: 3, authorities: [soa(60, 9)] }, {}, 9000],
    ['of nobody is the least where there is no SOA', { code: 3 }, { minTtlMs: 3000 }, 3000],
  ])('%s', async (_, reply, options, heldMs) => {
    expect(await holdOf(reply, options)).toBe(heldMs)
  })
})

describe('address records', () => {
  const options = { record: 'a', port: 8080 } as const

  it('give an instance each, of both families, at the port of the source', async () => {
    const { watching } = await start(
      zone({
        [`A ${web}`]: { answers: [a(web, '10.0.0.2'), a(web, '10.0.0.1'), a(web, '10.0.0.1')] },
        [`AAAA ${web}`]: { answers: [a(web, '2001:db8::1')] },
      }),
      options,
    )
    const common = { id: `${web}:8080`, hostName: web, port: 8080, weight: 1 }
    expect((await watching.next())?.instances).toMatchObject([
      { ...common, host: '10.0.0.1' },
      { ...common, host: '10.0.0.2' },
      { ...common, host: '2001:db8::1' },
    ])
  })

  it('are at the port of the name where it has one', async () => {
    const { next } = await start(
      zone({ 'A abs.example.org': { answers: [a('abs.example.org', '10.0.0.1')] } }),
      options,
      'abs.example.org.:9090',
    )
    expect(await next()).toBe('abs.example.org:9090@10.0.0.1*1')
  })

  it('of a family that nobody answers for stay, and are no reason to have nobody', async () => {
    let failing = ''
    let v4 = '10.0.0.1'
    const { next } = await start(({ type }) => {
      if (type === failing) return { code: 2 }
      return { answers: [a(web, type === 'A' ? v4 : '2001:db8::1')] }
    }, options)
    expect(await next()).toBe(`${web}:8080@10.0.0.1*1 ${web}:8080@2001:db8::1*1`)
    failing = 'AAAA'
    v4 = '10.0.0.9'
    expect(await next()).toBe(`${web}:8080@10.0.0.9*1 ${web}:8080@2001:db8::1*1`)
  })

  it('of one family and an error for the other are an error when nobody is left', async () => {
    const { watching } = await start(({ type }) => (type === 'A' ? nobody : { code: 2 }), options)
    await expect(watching.next()).rejects.toMatchObject({ code: 'status' })
  })

  it('of neither family are the word for nobody', async () => {
    const { watching } = await start(() => nobody, options)
    expect(await watching.next()).toMatchObject({ instances: [], mayHaveForgotten: true })
  })
})

describe('a name', () => {
  it.each([
    ['web', 'service.consul', 'web.service.consul'],
    ['_web._tcp', 'service.consul', '_web._tcp.service.consul'],
    ['Web.Example.com', null, 'web.example.com'],
    ['web.example.com.', 'service.consul', 'web.example.com'],
  ])('%s with the domain %s is asked for as %s', async (service, domain, asked) => {
    const { server, watching } = await start(() => nobody, { domain }, service)
    await watching.next()
    expect(server.requests[0]).toMatchObject({ type: 'SRV', name: asked })
  })

  it.each([
    ['no name', {}, /not a host name/],
    ['web', { record: 'a' }, /say no port/],
  ] as const)('%s that can not be asked for is an error', async (service, options, message) => {
    const { watching } = await start(() => nobody, options, service)
    await expect(watching.next()).rejects.toMatchObject({
      name: 'DiscoveryError',
      message: expect.stringMatching(message),
    })
  })
})
