import { Resolver } from 'node:dns'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { DnsClient, serverOfSystem } from '../../../../src/discovery/dns/client.ts'
import type { DnsServer } from '../../../../src/discovery/dns/options.ts'
import { freePorts } from '../../../support/free-ports.ts'
import {
  a,
  type DnsScript,
  type ScriptedDns,
  srv,
  startScriptedDns,
  withLength,
} from '../../../support/scripted-dns.ts'

const question = { name: 'web.example.com', type: 'A' as const }
const noSignal = new AbortController().signal

async function serverOf(script: DnsScript): Promise<ScriptedDns> {
  const server = await startScriptedDns(script)
  onTestFinished(async () => server.close())
  return server
}

function ask(servers: readonly DnsServer[], { timeoutMs = 5000, signal = noSignal } = {}) {
  return new DnsClient({ servers, timeoutMs }).ask(question, signal)
}

const addresses = (reply: Awaited<ReturnType<typeof ask>>) =>
  reply.answers.flatMap((record) => (record.type === 'A' ? [record.address] : []))
const good = { answers: [a('web.example.com', '10.0.0.1', 60)] }

/** What a server may do that is no answer, and how it is told. */
const failures: readonly { fault: string; script: DnsScript; code: string; message: RegExp }[] = [
  { fault: 'says SERVFAIL', script: () => ({ code: 2 }), code: 'status', message: /answered SERVFAIL/ },
  { fault: 'refuses', script: () => ({ code: 5 }), code: 'status', message: /REFUSED \(it does not serve that name\)/ },
  {
    fault: 'says an error without the question',
    script: () => ({ code: 2, question: null }),
    code: 'status',
    message: /SERVFAIL/,
  },
  { fault: 'says a code that nobody knows', script: () => ({ code: 12 }), code: 'status', message: /answered code 12/ },
  {
    fault: 'says BADVERS',
    script: () => ({ additionals: [{ ...opt(), extendedRcode: 1 }] }),
    code: 'status',
    message: /BADVERS/,
  },
  { fault: 'is silent', script: () => 'silent', code: 'timeout', message: /did not answer within 200 ms/ },
  {
    fault: 'answers with another id',
    script: ({ id }) => ({ ...good, id: id ^ 1 }),
    code: 'timeout',
    message: /did not answer/,
  },
  {
    fault: 'answers another question',
    script: () => ({ ...good, question: { type: 'A', name: 'evil.example.com' } }),
    code: 'timeout',
    message: /did not answer/,
  },
  {
    fault: 'answers another type',
    script: () => ({ ...good, question: { type: 'AAAA', name: 'web.example.com' } }),
    code: 'timeout',
    message: /did not answer/,
  },
  {
    fault: 'answers no question at all',
    script: () => ({ ...good, question: null }),
    code: 'timeout',
    message: /did not answer/,
  },
  { fault: 'answers with noise', script: () => Buffer.from('hello'), code: 'timeout', message: /did not answer/ },
  {
    fault: 'answers with a message that stops short',
    script: ({ id }) => header(id, 7),
    code: 'unreadable',
    message: /can't be read/,
  },
  {
    fault: 'hangs up on TCP',
    script: overTcp('hang up'),
    code: 'unreachable',
    message: /closed the connection before the answer was whole/,
  },
  {
    fault: 'stops short on TCP',
    script: overTcp([Buffer.from([0, 200, 1]), 'hang up']),
    code: 'unreachable',
    message: /before the answer was whole/,
  },
  { fault: 'is silent on TCP', script: overTcp('silent'), code: 'timeout', message: /did not answer/ },
  {
    fault: 'answers another question on TCP',
    script: overTcp(withLength(header(0, 0))),
    code: 'unreadable',
    message: /another question/,
  },
  {
    fault: 'has more records than a TCP message holds, and says so',
    script: overTcp({ isTruncated: true }),
    code: 'unreadable',
    message: /more records than a DNS message holds/,
  },
  {
    // As Consul does with a service of 1,500 instances: 997 of them, others each time.
    fault: 'fills a TCP message, and says nothing',
    script: overTcp({ answers: Array.from({ length: 2110 }, () => a('web.example.com', '10.0.0.1')) }),
    code: 'unreadable',
    message: /more records than a DNS message holds/,
  },
]

function opt() {
  return {
    type: 'OPT' as const,
    name: '.' as const,
    udpPayloadSize: 512,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  }
}

/** A header that announces so many answers, and none of them. */
function header(id: number, answers: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt16BE(id, 0)
  bytes.writeUInt16BE(0x8000, 2)
  bytes.writeUInt16BE(answers, 6)
  return bytes
}

function overTcp(reply: Awaited<ReturnType<DnsScript>>): DnsScript {
  return ({ transport }) => (transport === 'tcp' ? reply : { isTruncated: true })
}

/** Silence alone is waited for: what is said may come late on a busy machine. */
const timeOf = (code: string, ms: number) => (code === 'timeout' ? { timeoutMs: ms } : {})

describe('a server that fails', () => {
  it.each(failures)('one that $fault is told as that', async ({ script, code, message }) => {
    const server = await serverOf(script)
    const error: unknown = await ask([server], timeOf(code, 200)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'DiscoveryError', code, message: expect.stringMatching(message) })
    expect((error as Error).message).toMatch(
      /^No DNS server answered for A web\.example\.com: 127\.0\.0\.1:|^No DNS .*what 127/,
    )
  })

  it('one that nobody listens on is unreachable at once', async () => {
    const [port = 0] = await freePorts(1)
    await expect(ask([{ host: '127.0.0.1', port }])).rejects.toMatchObject({ code: 'unreachable' })
  })

  it.each(failures)('one that $fault is passed over for the next', async ({ script, code }) => {
    const [bad, next] = [await serverOf(script), await serverOf(() => good)]
    expect(addresses(await ask([bad, next], timeOf(code, 500)))).toEqual(['10.0.0.1'])
  })

  it('is asked once more when it was silent, after all others', async () => {
    const first = await serverOf((_, count) => (count === 1 ? 'silent' : good))
    const second = await serverOf(() => ({ code: 2 }))
    expect(addresses(await ask([first, second], { timeoutMs: 500 }))).toEqual(['10.0.0.1'])
    expect([first.requests.length, second.requests.length]).toEqual([2, 1])
  })

  it('is not asked first again while another answers', async () => {
    const [bad, next] = [await serverOf(() => ({ code: 2 })), await serverOf(() => good)]
    const client = new DnsClient({ servers: [bad, next], timeoutMs: 5000 })
    for (let i = 0; i < 3; i++) await client.ask(question, noSignal)
    expect([bad.requests.length, next.requests.length]).toEqual([1, 3])
  })
})

describe('the servers of the system', () => {
  it('are asked where none are configured, and read again once none of them answers', async () => {
    const [first, second] = [await serverOf(() => ({ code: 2 })), await serverOf(() => good)]
    const getServers = vi
      .spyOn(Resolver.prototype, 'getServers')
      .mockReturnValueOnce([`127.0.0.1:${first.port}`])
      .mockReturnValueOnce([`127.0.0.1:${second.port}`])
    onTestFinished(() => getServers.mockRestore())
    const client = new DnsClient({ servers: [], timeoutMs: 5000 })
    await expect(client.ask(question, noSignal)).rejects.toMatchObject({ code: 'status' })
    for (let i = 0; i < 2; i++) expect(addresses(await client.ask(question, noSignal))).toEqual(['10.0.0.1'])
    expect(getServers).toHaveBeenCalledTimes(2)
  })

  it.each([
    ['10.0.0.1', { host: '10.0.0.1', port: 53 }],
    ['10.0.0.1:5353', { host: '10.0.0.1', port: 5353 }],
    ['2001:db8::1', { host: '2001:db8::1', port: 53 }],
    ['[2001:db8::1]:5353', { host: '2001:db8::1', port: 5353 }],
  ])('are read as Node writes them: %s', (text, server) => {
    expect(serverOfSystem(text)).toEqual(server)
  })
})

describe('a query', () => {
  it('has an id and a port that change from one to the next', async () => {
    const server = await serverOf(() => good)
    const client = new DnsClient({ servers: [server], timeoutMs: 5000 })
    for (let i = 0; i < 20; i++) await client.ask(question, noSignal)
    // Twenty draws of 65,536 ids: even two pairs of equal ones are not seen in a lifetime.
    expect(new Set(server.requests.map(({ id }) => id)).size).toBeGreaterThan(17)
    expect(new Set(server.requests.map(({ clientPort }) => clientPort)).size).toBeGreaterThan(17)
  })

  it('takes the answer that fits, whatever was sent before it', async () => {
    const forged = { answers: [a('web.example.com', '6.6.6.6')] }
    const server = await serverOf(({ id }) => [
      { ...forged, id: id ^ 1 },
      { ...forged, question: { type: 'A', name: 'evil.example.com' } },
      Buffer.from('noise'),
      good,
    ])
    expect(addresses(await ask([server]))).toEqual(['10.0.0.1'])
  })

  it('takes an answer that spells the name in other letters', async () => {
    const server = await serverOf(() => ({ ...good, question: { type: 'A', name: 'WEB.Example.com' } }))
    expect(addresses(await ask([server]))).toEqual(['10.0.0.1'])
  })

  it('says how long an answer may be, and does without where that is not understood', async () => {
    const server = await serverOf(({ payloadBytes }) => (payloadBytes === null ? good : { code: 1, question: null }))
    expect(addresses(await ask([server]))).toEqual(['10.0.0.1'])
    expect(server.requests.map(({ payloadBytes }) => payloadBytes)).toEqual([1232, null])
  })

  it('is repeated over TCP when the answer is truncated', async () => {
    const server = await serverOf(({ transport }) => (transport === 'tcp' ? good : { isTruncated: true }))
    expect(addresses(await ask([server]))).toEqual(['10.0.0.1'])
    expect(server.requests.map(({ transport }) => transport)).toEqual(['udp', 'tcp'])
  })

  it('is repeated over TCP when the answer is so full that some of it may have been left out silently', async () => {
    const many = Array.from({ length: 60 }, (_, i) => a('web.example.com', `10.0.0.${i}`))
    const server = await serverOf(({ transport }) => ({ answers: many.slice(0, transport === 'tcp' ? 60 : 25) }))
    expect(addresses(await ask([server]))).toHaveLength(60)
    expect(server.requests.map(({ transport }) => transport)).toEqual(['udp', 'tcp'])
  })

  it('is read over TCP wherever its delivery parts', async () => {
    const server = await serverOf(({ transport, id }) => {
      if (transport === 'udp') return { isTruncated: true }
      const bytes = withLength(Buffer.concat([header(id, 0).fill(0x81, 2, 3).fill(0x83, 3, 4)]))
      // A name that does not exist, said with the header and the question.
      const asked = Buffer.from('\x03web\x07example\x03com\0\0\x01\0\x01', 'latin1')
      bytes.writeUInt16BE(12 + asked.length, 0)
      bytes.writeUInt16BE(1, 6)
      return Array.from(Buffer.concat([bytes, asked]), (byte) => Buffer.from([byte]))
    })
    expect((await ask([server])).responseCode).toBe(3)
  })

  it('ends when its signal aborts, over UDP and TCP', async () => {
    for (const script of [() => 'silent' as const, overTcp('silent')]) {
      const server = await serverOf(script)
      const stopping = new AbortController()
      const asked = ask([server], { signal: stopping.signal })
      for (let request = await server.nextRequest(); script.length > 0 && request.transport === 'udp';) {
        request = await server.nextRequest()
      }
      stopping.abort(new Error('enough'))
      await expect(asked).rejects.toThrow('enough')
    }
  })

  it('waits while a hundred others are under way', async () => {
    const release = Promise.withResolvers<void>()
    const hundred = Promise.withResolvers<void>()
    const server = await serverOf(async (_, count) => {
      if (count === 100) hundred.resolve()
      await release.promise
      return good
    })
    const client = new DnsClient({ servers: [server], timeoutMs: 20_000 })
    const asked = Array.from({ length: 150 }, async () => client.ask(question, noSignal))
    await hundred.promise
    expect(server.requests).toHaveLength(100)
    release.resolve()
    await Promise.all(asked)
    expect(server.requests).toHaveLength(150)
  })
})

it('reads what the records say, and treats a TTL with the first bit set as 0', async () => {
  const server = await serverOf(() => ({
    answers: [srv('web.example.com', { target: 'A.Example.com', port: 80, priority: 1, weight: 2 }, 0xffff_ffff)],
  }))
  const { answers } = await ask([server])
  expect(answers).toEqual([
    { type: 'SRV', name: 'web.example.com', ttlSeconds: 0, priority: 1, weight: 2, port: 80, target: 'a.example.com' },
  ])
})
