import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import type { Packet } from 'dns-packet'
import multicastDns, { type MulticastDNS, type QueryPacket } from 'multicast-dns'
import { type Interface, isChosen, keyOf, readInterfaces, Wires } from '../../discovery/mdns/interfaces.ts'
import { mdnsLimits } from '../../discovery/mdns/options.ts'
import { readResponse, type Response } from '../../discovery/mdns/response.ts'
import { RegisterError } from '../register-error.ts'
import type { MdnsPlace } from './place.ts'

export interface SocketsListener {
  asked(query: QueryPacket, from: RemoteInfo): void
  heard(response: Response): void
  /** There is one more interface to be heard on. */
  gainedWire(): void
  /** Nothing can be said any more. */
  lost(): void
}

/** RFC 6762 section 11: so that a reader could tell that no router was between. */
const multicastTtl = 255

/**
 * A responder's sockets: one hears what is said to the group on all interfaces; from each interface another one speaks, from the group's
 * port, since what comes from another port is no mDNS (RFC 6762 section 6). They keep no process alive.
 */
export class Sockets {
  readonly #place: MdnsPlace
  readonly #listener: SocketsListener
  readonly #hearing = createSocket({ type: 'udp4', reuseAddr: true })
  readonly #receiver: MulticastDNS
  readonly #speakers = new Map<string, { readonly mdns: MulticastDNS; readonly on: Interface }>()
  #check: NodeJS.Timeout | undefined
  #wires = new Wires([])
  #isOpen = true
  #isReady = false

  /** @throws RegisterError `unreachable` */
  static async open(place: MdnsPlace, listener: SocketsListener): Promise<Sockets> {
    const sockets = new Sockets(place, listener)
    try {
      await sockets.#begin()
      return sockets
    } catch (error) {
      sockets.close()
      throw error
    }
  }

  private constructor(place: MdnsPlace, listener: SocketsListener) {
    this.#place = place
    this.#listener = listener
    this.#receiver = multicastDns({ socket: this.#hearing, port: place.port, bind: '0.0.0.0', multicast: false })
    // A message that can't be read is a stranger's.
    this.#receiver.on('warning', () => {})
    this.#receiver.on('error', () => this.#fail())
    this.#receiver.on('query', (query, from) => {
      // RFC 6762 section 11: from elsewhere than the local link it is none of ours.
      if (this.#isOpen && this.#wires.of(from.address) !== null) listener.asked(query, from)
    })
    this.#receiver.on('response', (packet, { address, port }) => {
      const wire = port === place.port ? this.#wires.of(address) : null
      if (!this.#isOpen || wire === null) return
      const response = readResponse(packet, { wire, isOwn: this.#wires.isOwn(address) })
      if (response !== null) listener.heard(response)
    })
  }

  /** To the group, on all interfaces; resolves when it is sent. */
  async say(packet: Packet): Promise<void> {
    const to = { port: this.#place.port, address: mdnsLimits.group }
    await Promise.all([...this.#speakers.values()].map(({ mdns }) => sent(mdns, packet, to)))
  }

  /** To one who asked. */
  answer(packet: Packet, to: RemoteInfo): void {
    const speaker = this.#speakers.get(this.#wires.of(to.address) ?? '')
    if (speaker !== undefined) void sent(speaker.mdns, packet, to)
  }

  close(): void {
    this.#isOpen = false
    clearInterval(this.#check)
    for (const { mdns } of this.#speakers.values()) mdns.destroy()
    this.#receiver.destroy()
  }

  async #begin(): Promise<void> {
    const interfaces = this.#interfaces()
    if (interfaces.length === 0) {
      throw new RegisterError('unreachable', 'mDNS has no network: no interface with an IPv4 address is up')
    }
    try {
      await once(this.#receiver, 'ready')
      this.#hearing.unref()
      await Promise.all(interfaces.map((each) => this.#join(each)))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
      const way = `check that no firewall and no other program keeps UDP port ${this.#place.port} from it`
      throw new RegisterError('unreachable', `mDNS can't be used (${code}); ${way}`, { cause: error })
    }
    this.#wires = new Wires(interfaces)
    this.#isReady = true
    this.#check = setInterval(() => void this.#checkInterfaces(), mdnsLimits.interfaceCheckMs).unref()
  }

  #interfaces(): readonly Interface[] {
    return readInterfaces().filter((each) => isChosen(each, this.#place.interfaces))
  }

  async #join(on: Interface): Promise<void> {
    this.#hearing.addMembership(mdnsLimits.group, on.address)
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    const mdns = multicastDns({ socket, port: this.#place.port, bind: on.address, multicast: false })
    mdns.on('warning', () => {})
    mdns.on('error', () => this.#fail())
    await once(mdns, 'ready')
    socket.setMulticastInterface(on.address)
    socket.setMulticastTTL(multicastTtl)
    socket.setMulticastLoopback(true)
    socket.unref()
    this.#speakers.set(keyOf(on), { mdns, on })
  }

  async #checkInterfaces(): Promise<void> {
    const interfaces = this.#interfaces()
    const keys = new Set(interfaces.map(keyOf))
    for (const [key, { mdns }] of this.#speakers) {
      if (keys.has(key)) continue
      // The kernel has dropped the membership with the address.
      this.#speakers.delete(key)
      mdns.destroy()
    }
    const come = interfaces.filter((each) => !this.#speakers.has(keyOf(each)))
    this.#wires = new Wires(interfaces)
    if (come.length === 0) return
    // One that went down a moment ago is tried again with the next look.
    await Promise.allSettled(come.map((each) => this.#join(each)))
    if (this.#isOpen) this.#listener.gainedWire()
  }

  /** One that can't be opened says so twice, and whoever opens it hears the first. */
  #fail(): void {
    if (!this.#isOpen || !this.#isReady) return
    this.close()
    this.#listener.lost()
  }
}

/** Where an interface can't send, that shows when it goes down. */
function sent(
  mdns: MulticastDNS,
  packet: Packet,
  to: { readonly port: number; readonly address: string },
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const send = mdns as unknown as { send(packet: Packet, to: object, done: () => void): void }
  send.send(packet, to, resolve)
  return promise
}
