import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { deflateSync } from 'node:zlib'
import type { Answer } from 'dns-packet'
import multicastDns, { type MulticastDNS } from 'multicast-dns'
import type { Interface } from '../../src/discovery/mdns/interfaces.ts'

export const loopback: Interface = { name: 'lo', address: '127.0.0.1', cidr: '127.0.0.1/8' }

/** How a responder words things: as RFC 6762 and 6763 say, or as go-micro's does. */
export type Style = 'dns-sd' | 'go-micro'

export interface Announced {
  readonly service: string
  readonly id: string
  readonly host: string
  readonly port: number
  readonly weight?: number
  readonly meta?: Readonly<Record<string, string>>
  readonly ttlSeconds?: number
}

/** A responder on the loopback interface. */
export class Announcer {
  readonly port: number
  readonly #style: Style
  readonly #domain: string
  readonly #mdns: MulticastDNS
  readonly #announced = new Map<string, Announced>()
  /** It hears no queries any more, as if its host had vanished. */
  isMute = false
  /** Messages that asked something. */
  queries = 0
  readonly questions: string[] = []

  private constructor(style: Style, port: number, mdns: MulticastDNS) {
    this.port = port
    this.#style = style
    this.#domain = style === 'dns-sd' ? 'local' : 'micro'
    this.#mdns = mdns
    mdns.on('query', ({ questions = [], answers = [] }, sender) => {
      for (const { name, type } of questions) this.questions.push(`${type} ${name}`)
      this.queries += 1
      if (this.isMute) return
      for (const { name, type } of questions) {
        for (const response of this.#answersTo(name, type, answers)) {
          if (style === 'dns-sd') void this.send(response)
          else mdns.respond(response, sender)
        }
      }
    })
  }

  static async start(style: Style, port?: number): Promise<Announcer> {
    const chosen = port ?? (await freeUdpPort())
    const mdns = multicastDns({ port: chosen, interface: loopback.address, bind: '0.0.0.0' })
    await once(mdns, 'ready')
    return new Announcer(style, chosen, mdns)
  }

  async announce(announced: Announced): Promise<void> {
    this.#announced.set(keyOf(announced), announced)
    const { pointer, rest } = this.recordsOf(announced)
    await this.send(this.#style === 'dns-sd' ? [pointer, ...rest] : rest)
  }

  async goodbye(service: string, id: string): Promise<void> {
    const announced = this.#announced.get(keyOf({ service, id }))
    if (announced === undefined) throw new Error(`${id} was never announced`)
    this.#announced.delete(keyOf(announced))
    const { pointer, rest } = this.recordsOf({ ...announced, ttlSeconds: 0 })
    await this.send(this.#style === 'dns-sd' ? [pointer, ...rest.filter(({ type }) => !isAddress(type))] : rest)
  }

  /** Is silent about everything from now on, with no goodbye. */
  forgetAll(): void {
    this.#announced.clear()
  }

  async send(answers: readonly Answer[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#mdns.respond([...answers], (error) => (error ? reject(error) : resolve()))
    return promise
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#mdns.destroy(resolve)
    return promise
  }

  recordsOf({ service, id, host, port, weight = 0, meta = {}, ttlSeconds = 120 }: Announced): {
    pointer: Answer
    rest: Answer[]
  } {
    const serviceName = `${service}.${this.#domain}`
    const name = `${id}.${serviceName}`
    const isName = /[a-z]\./.test(host)
    const target = isName ? host : this.#style === 'dns-sd' ? `${id}-host.local` : 'workstation'
    const flush = this.#style === 'dns-sd'
    const data = this.#style === 'dns-sd' ? pairs(meta) : goMicroText(service, meta)
    const rest: Answer[] = [
      { type: 'SRV', name, ttl: ttlSeconds, flush, data: { port, target, weight, priority: 0 } },
      { type: 'TXT', name, ttl: ttlSeconds, flush, data },
    ]
    if (!isName)
      rest.push({ type: host.includes(':') ? 'AAAA' : 'A', name: target, ttl: ttlSeconds, flush, data: host })
    return { pointer: { type: 'PTR', name: serviceName, ttl: ttlSeconds, data: name }, rest }
  }

  *#answersTo(name: string, type: string, known: readonly Answer[]): Generator<Answer[]> {
    for (const announced of this.#announced.values()) {
      const { pointer, rest } = this.recordsOf(announced)
      if (type === 'PTR' && pointer.name === name) {
        const isKnown = known.some((each) => each.type === 'PTR' && 'data' in pointer && each.data === pointer.data)
        if (!isKnown || this.#style === 'go-micro') yield [pointer, ...rest]
      } else {
        const wanted = rest.filter((each) => each.name === name && each.type === type)
        if (wanted.length > 0) yield wanted
      }
    }
  }
}

function keyOf({ service, id }: Pick<Announced, 'service' | 'id'>): string {
  return `${id}.${service}`
}

function isAddress(type: string): boolean {
  return type === 'A' || type === 'AAAA'
}

function pairs(meta: Readonly<Record<string, string>>): string[] {
  const texts = Object.entries(meta).map(([key, value]) => `${key}=${value}`)
  return texts.length === 0 ? [''] : texts
}

/** As go-micro's `registry/mdns_registry.go` encodes: hex of zlib of JSON, in strings of 255. */
export function goMicroText(service: string, meta: Readonly<Record<string, string>>): string[] {
  const { version = '' } = meta
  const json = JSON.stringify({ Service: service, Version: version, Endpoints: null, Metadata: meta })
  return (
    deflateSync(json)
      .toString('hex')
      .match(/.{1,255}/g) ?? []
  )
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0)
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}
