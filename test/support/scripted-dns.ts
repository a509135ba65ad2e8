import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { type Answer, decode, encode, type Question } from 'dns-packet'

export interface ScriptedDnsReply {
  /** Default 0, no error. */
  readonly code?: number
  readonly answers?: readonly Answer[]
  readonly authorities?: readonly Answer[]
  readonly additionals?: readonly Answer[]
  readonly isTruncated?: boolean
  /** Instead of the query's. */
  readonly id?: number
  /** Instead of the query's; null = none. */
  readonly question?: Question | null
}

export interface DnsRequest {
  readonly name: string
  readonly type: string
  readonly transport: 'udp' | 'tcp'
  readonly id: number
  readonly clientPort: number
  /** Of EDNS0; null without it. */
  readonly payloadBytes: number | null
}

type Reply = ScriptedDnsReply | Buffer | 'silent' | 'hang up'

/**
 * What to answer; bytes go out as they are, over TCP without a length. `hang up` closes a connection. Of several replies each is sent.
 * A promise lets the test choose the moment.
 */
export type DnsScript = (request: DnsRequest, count: number) => Reply | readonly Reply[] | Promise<Reply>

export interface ScriptedDns {
  readonly host: string
  readonly port: number
  readonly requests: readonly DnsRequest[]
  /** Resolves with the next request from now on. */
  nextRequest(): Promise<DnsRequest>
  close(): Promise<void>
}

const host = '127.0.0.1'

/** A DNS server on UDP and TCP that says and does what a real one can't be made to; `count` is 1 for the first request. */
export async function startScriptedDns(script: DnsScript): Promise<ScriptedDns> {
  const { udp, tcp, port } = await openBoth()
  const requests: DnsRequest[] = []
  const connections = new Set<Socket>()
  let awaited = Promise.withResolvers<DnsRequest>()

  const take = async (query: Buffer, transport: 'udp' | 'tcp', clientPort: number, send: (reply: Reply) => void) => {
    const request = { ...requestOf(query), transport, clientPort }
    requests.push(request)
    awaited.resolve(request)
    awaited = Promise.withResolvers()
    const chosen = await script(request, requests.length)
    for (const reply of Array.isArray(chosen) ? (chosen as Reply[]) : [chosen as Reply]) send(reply)
  }
  udp.on('message', (query, { port: clientPort, address }) => {
    void take(query, 'udp', clientPort, (reply) => {
      if (reply !== 'silent' && reply !== 'hang up') udp.send(bytesOf(reply, query), clientPort, address)
    })
  })
  tcp.on('connection', (socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket)).on('error', () => {})
    socket.once('data', (chunk) => {
      const query = chunk.subarray(2)
      void take(query, 'tcp', socket.remotePort ?? 0, (reply) => {
        if (reply === 'silent') return
        if (reply === 'hang up') socket.end()
        else if (Buffer.isBuffer(reply)) socket.write(reply)
        else socket.write(withLength(bytesOf(reply, query)))
      })
    })
  })

  return {
    host,
    port,
    requests,
    nextRequest: async () => awaited.promise,
    close: async () => {
      for (const socket of connections) socket.destroy()
      await Promise.all([once(udp.close(), 'close'), once(tcp.close(), 'close')])
    },
  }
}

/** Puts the length before a message, as TCP wants it. */
export function withLength(message: Buffer): Buffer {
  const prefix = Buffer.alloc(2)
  prefix.writeUInt16BE(message.length)
  return Buffer.concat([prefix, message])
}

export function srv(
  name: string,
  data: { target: string; port: number; priority?: number; weight?: number },
  ttl = 0,
): Answer {
  return { type: 'SRV', name, ttl, data }
}

export function a(name: string, data: string, ttl = 0): Answer {
  return { type: data.includes(':') ? 'AAAA' : 'A', name, ttl, data }
}

export function cname(name: string, data: string, ttl = 0): Answer {
  return { type: 'CNAME', name, ttl, data }
}

export function soa(minimum: number, ttl = minimum): Answer {
  return { type: 'SOA', name: 'example.com', ttl, data: { mname: 'ns.example.com', rname: 'x.example.com', minimum } }
}

/** The same free port for both; another program may have one of the two. */
async function openBoth(): Promise<{ udp: UdpSocket; tcp: Server; port: number }> {
  for (;;) {
    const tcp = createServer().listen(0, host)
    await once(tcp, 'listening')
    const address = tcp.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const udp = createSocket('udp4')
    const isOpen = await new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false)).bind(port, host, () => resolve(true))
    })
    if (isOpen) return { udp, tcp, port }
    await once(tcp.close(), 'close')
  }
}

function requestOf(query: Buffer): Pick<DnsRequest, 'name' | 'type' | 'id' | 'payloadBytes'> {
  const { id = 0, questions = [], additionals = [] } = decode(query)
  const opt = additionals.find((record) => record.type === 'OPT')
  return {
    id,
    name: questions[0]?.name ?? '',
    type: questions[0]?.type ?? '',
    payloadBytes: opt?.udpPayloadSize ?? null,
  }
}

function bytesOf(reply: ScriptedDnsReply | Buffer, query: Buffer): Buffer {
  if (Buffer.isBuffer(reply)) return reply
  const asked = decode(query)
  const { code = 0, isTruncated = false, id = asked.id ?? 0, question } = reply
  return encode({
    type: 'response',
    id,
    flags: code | (isTruncated ? 0x200 : 0),
    questions: question === undefined ? (asked.questions ?? []) : question === null ? [] : [question],
    answers: [...(reply.answers ?? [])],
    authorities: [...(reply.authorities ?? [])],
    additionals: [...(reply.additionals ?? [])],
  })
}
