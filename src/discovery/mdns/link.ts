import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import multicastDns, { type MulticastDNS, type ResponsePacket } from 'multicast-dns'
import { systemClock } from '../../util/clock.ts'
import { DiscoveryError } from '../contract.ts'
import { merged, messagesOf, type Ask } from './ask.ts'
import { isChosen, keyOf, Wires, type Interface } from './interfaces.ts'
import type { MdnsLimits, MdnsOptions } from './options.ts'
import { ReadBudget } from './read-budget.ts'
import { readResponse, type Response } from './response.ts'
import { weighResponse } from './weigh.ts'

/** What it costs to find out that a message is not to be read. */
const refusedSteps = 400

export interface LinkListener {
  heard(response: Response): void
  /** Nothing that was heard there is sure any more. */
  lostWire(wire: string, error: DiscoveryError): void
  /** There is one more to ask on. */
  gainedWire(): void
  /** Nothing can be heard any more. */
  lost(error: DiscoveryError): void
}

/**
 * The sockets of one source. One hears what is said to the group on any interface; for each interface another one asks there.
 *
 * That asks from the group's port in the domain `local`, as a full responder wants it to answer to all (RFC 6762 section 6). Elsewhere
 * it asks from a port of its own: go-micro answers whoever asked and nobody else, and of the programs that share a port only one
 * gets what is sent to it alone.
 *
 * They keep no process alive: a program that has nothing to do but to hear of changes ends.
 */
export class Link {
  readonly #options: MdnsOptions
  readonly #limits: MdnsLimits
  readonly #listener: LinkListener
  readonly #hearing: Socket
  readonly #receiver: MulticastDNS
  readonly #budget = new ReadBudget()
  readonly #askers = new Map<string, { readonly mdns: MulticastDNS; readonly on: Interface }>()
  readonly #check: NodeJS.Timeout
  #wires = new Wires([])
  #asks: Ask[] = []
  #isOpen = true
  #isReady = false

  /** @throws DiscoveryError when no interface is up */
  constructor(options: MdnsOptions, limits: MdnsLimits, listener: LinkListener) {
    this.#options = options
    this.#limits = limits
    this.#listener = listener
    const interfaces = this.#interfaces()
    if (interfaces.length === 0) throw noInterface(options)
    this.#hearing = createSocket({ type: 'udp4', reuseAddr: true }).unref()
    this.#receiver = multicastDns({ socket: this.#hearing, port: limits.port, bind: '0.0.0.0', multicast: false })
    this.#listenTo(this.#receiver, this.#hearing)
    this.#receiver.on('ready', () => {
      this.#isReady = true
      for (const each of interfaces) this.#join(each)
      this.#wires = new Wires(interfaces)
      this.#send()
    })
    this.#check = setInterval(() => this.#checkInterfaces(), limits.interfaceCheckMs).unref()
  }

  isOnLink(address: string): boolean {
    return this.#wires.of(address) !== null
  }

  /** Asks on all interfaces; what is asked for in the same turn goes together. */
  ask(asks: readonly Ask[]): void {
    if (this.#asks.length === 0) setImmediate(() => this.#send())
    this.#asks.push(...asks)
  }

  close(): void {
    this.#isOpen = false
    clearInterval(this.#check)
    for (const { mdns } of this.#askers.values()) mdns.destroy()
    this.#receiver.destroy()
  }

  #interfaces(): readonly Interface[] {
    return this.#limits.readInterfaces().filter((each) => isChosen(each, this.#options.interfaces))
  }

  #listenTo(mdns: MulticastDNS, socket: Socket): void {
    readOnly(socket, (message, sender) => this.#isWorthReading(message, sender))
    mdns.on('response', (packet, sender) => this.#hear(packet, sender))
    // A message that can't be read is a stranger's, of whatever service; it is none of ours to report.
    mdns.on('warning', () => {})
    mdns.on('error', (error) => this.#fail(error))
  }

  /** RFC 6762 section 6: from any other port it is not mDNS. Section 11: from elsewhere than the local link it is an attack. */
  #wireOf({ address, port }: RemoteInfo): string | null {
    return port === this.#limits.port ? this.#wires.of(address) : null
  }

  /** Not to be asked twice of the same message. */
  #isWorthReading(message: Buffer, sender: RemoteInfo): boolean {
    if (this.#wireOf(sender) === null) return false
    const nowMs = systemClock.now()
    if (this.#budget.isSpent(sender.address, nowMs)) return false
    const steps = weighResponse(message)
    this.#budget.spend(sender.address, steps ?? refusedSteps, nowMs)
    return steps !== null
  }

  #hear(packet: ResponsePacket, sender: RemoteInfo): void {
    const wire = this.#isOpen ? this.#wireOf(sender) : null
    if (wire === null) return
    const response = readResponse(packet, { wire, isOwn: this.#wires.isOwn(sender.address) })
    if (response !== null) this.#listener.heard(response)
  }

  #join(on: Interface): void {
    try {
      this.#hearing.addMembership(this.#limits.group, on.address)
    } catch {
      // It went down a moment ago, or knows no multicast: there is nobody to hear on it.
      return
    }
    const isLocal = this.#options.domain === 'local'
    const socket = createSocket({ type: 'udp4', reuseAddr: true }).unref()
    const { group, port } = this.#limits
    socket.once('listening', () => speakOn(socket, group, on))
    const mdns = multicastDns({ socket, ip: group, port: isLocal ? port : 0, bind: on.address, multicast: false })
    this.#listenTo(mdns, socket)
    this.#askers.set(keyOf(on), { mdns, on })
  }

  #leave(key: string, { mdns, on }: { readonly mdns: MulticastDNS; readonly on: Interface }): void {
    this.#askers.delete(key)
    mdns.destroy()
    try {
      this.#hearing.dropMembership(this.#limits.group, on.address)
    } catch {
      // The kernel has dropped it with the address.
    }
  }

  #checkInterfaces(): void {
    if (!this.#isReady) return
    const interfaces = this.#interfaces()
    const keys = new Set(interfaces.map(keyOf))
    const gone = [...this.#askers].filter(([key]) => !keys.has(key))
    const come = interfaces.filter((each) => !this.#askers.has(keyOf(each)))
    if (gone.length === 0 && come.length === 0) return
    for (const [key, asker] of gone) this.#leave(key, asker)
    for (const each of come) this.#join(each)
    this.#wires = new Wires(interfaces)
    if (this.#askers.size === 0) return this.#listener.lost(noInterface(this.#options))
    for (const [key, { on }] of gone) this.#listener.lostWire(key, lostInterface(on))
    if (come.some((each) => this.#askers.has(keyOf(each)))) this.#listener.gainedWire()
  }

  #send(): void {
    if (!this.#isOpen || !this.#isReady || this.#asks.length === 0) return
    const messages = messagesOf(merged(this.#asks))
    this.#asks = []
    const to = { port: this.#limits.port, address: this.#limits.group }
    let failed = 0
    const sent = (error: Error | null) => {
      if (error === null || error === undefined) return
      failed += 1
      // Where one interface of several can't send, that shows when it goes down.
      if (failed === messages.length * this.#askers.size) this.#fail(error)
    }
    for (const { mdns } of this.#askers.values()) {
      for (const { questions, answers } of messages) mdns.query({ questions, answers }, to, sent)
    }
  }

  #fail(error: Error): void {
    if (!this.#isOpen) return
    const code = 'code' in error ? String(error.code) : error.message
    const way = 'check that the network is up and that no firewall and no other program keeps UDP port'
    const message = `mDNS can't be used (${code}); ${way} ${this.#limits.port} from it`
    this.#listener.lost(new DiscoveryError('unreachable', message))
  }
}

/** Asks before a message is read: pointers upon pointers make that a matter of half a second, and anybody can send such. */
function readOnly(socket: Socket, isWorthReading: (message: Buffer, sender: RemoteInfo) => boolean): void {
  const readers = socket.listeners('message') as ((message: Buffer, sender: RemoteInfo) => void)[]
  socket.removeAllListeners('message')
  socket.on('message', (message, sender) => {
    if (isWorthReading(message, sender)) for (const read of readers) read(message, sender)
  })
}

/** The package would do that by itself, again and again, by a timer that keeps the process alive. */
function speakOn(socket: Socket, group: string, { address }: Interface): void {
  try {
    socket.addMembership(group, address)
    socket.setMulticastInterface(address)
    // RFC 6762 section 11.
    socket.setMulticastTTL(255)
    socket.setMulticastLoopback(true)
  } catch {
    // It went down a moment ago: what is asked there fails, or is heard by nobody.
  }
}

function noInterface({ interfaces }: MdnsOptions): DiscoveryError {
  const which = interfaces === null ? 'with an IPv4 address' : `of ${interfaces.join(', ')}`
  return new DiscoveryError('unreachable', `mDNS has no network: no interface ${which} is up; check the network`)
}

function lostInterface({ name, address }: Interface): DiscoveryError {
  const message = `mDNS lost interface ${name} (${address}), on which instances were heard; check the network`
  return new DiscoveryError('unreachable', message)
}
