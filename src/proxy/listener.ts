import { type AddressInfo, Server, type Socket } from 'node:net'
import type { ListenerSettings } from '../core/snapshot.ts'
import { ClientIdentity, TrustedProxies } from './client-identity.ts'
import type { Forwarder, ProxyContext } from './context.ts'
import { linger } from './h1/linger.ts'
import { problemText } from './h1/response-writer.ts'
import { TlsAcceptor } from './tls/tls-acceptor.ts'

/** Connections over the limit that are being told so. More are closed without a word: each of them takes a descriptor as well. */
const maxRefused = 500

/** Idle connections get this long for a request that is on its way when the listener closes. */
const idleGraceMs = 500

/** A way to speak HTTP with clients and endpoints. */
export interface Engine {
  readonly forwarder: Forwarder
  serve(listener: Listener): ListenerServer
}

/** What an engine does for one listener. */
export interface ListenerServer {
  /** Not listening yet. */
  readonly server: Server
  /**
   * HTTP is spoken on `socket` from now on: an accepted one of `server`, or what its TLS handshake made of it.
   *
   * @param firstHeadMs what is left for the first head after a handshake; null for the whole time
   */
  connect(socket: Socket, identity: ClientIdentity, firstHeadMs: number | null): ListenerConnection
  /** `listener.settings` were replaced. */
  reconfigured(): void
}

/** A client connection as its listener sees it; it calls `forget` when it is closed. */
export interface ListenerConnection {
  readonly identity: ClientIdentity
  /** True while an exchange is under way, or bytes of its answer. */
  readonly isBusy: boolean
  readonly isIdle: boolean
  /** No further request after the one under way. */
  closeAfterAnswer(): void
  destroy(): void
}

/** One listening address in one data thread, with its connections. */
export class Listener {
  readonly context: ProxyContext
  readonly forwarder: Forwarder
  readonly name: string
  settings: ListenerSettings
  readonly #serving: ListenerServer
  /** Null where plain HTTP is spoken. */
  readonly #tls: TlsAcceptor | null
  readonly #connections = new Set<ListenerConnection>()
  readonly #perClient = new Map<string, number>()
  #trusted: TrustedProxies
  #refused = 0
  #isClosing = false
  #emptied: (() => void) | null = null

  constructor(context: ProxyContext, settings: ListenerSettings, engine: Engine) {
    this.context = context
    this.forwarder = engine.forwarder
    this.name = settings.name
    this.settings = settings
    this.#trusted = new TrustedProxies(settings.trustedProxies)
    this.#serving = engine.serve(this)
    this.#tls = settings.tls === null ? null : new TlsAcceptor(this, settings.tls)
    const { server } = this.#serving
    server.on('connection', (socket: Socket) => this.#accept(socket))
    // A connection that could not be accepted (ECONNABORTED, EMFILE …) is nothing to the others.
    server.on('error', () => {
      if (server.listening) context.meter.failed('local-exhaustion')
    })
  }

  /**
   * @param reusePort true when several threads share the address
   * @throws the system error (EADDRINUSE, EACCES …) when the address can't be opened
   */
  listen(reusePort: boolean): Promise<AddressInfo> {
    const { server } = this.#serving
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: this.settings.host, port: this.settings.port, reusePort, backlog: 4096 }, () => {
        server.removeListener('error', reject)
        this.context.meter.listenerOpened(this.name)
        resolve(server.address() as AddressInfo)
      })
    })
  }

  /**
   * New settings for an unchanged address; connections that stand keep their trust in proxies, and their certificate.
   *
   * @throws Error when OpenSSL does not take the TLS settings; then nothing has changed
   */
  reconfigure(settings: ListenerSettings): void {
    if (settings.tls !== null) this.#tls?.reconfigure(settings.tls)
    this.settings = settings
    this.#trusted = new TrustedProxies(settings.trustedProxies)
    this.#serving.reconfigured()
  }

  /** The secret of session tickets was replaced. */
  renewTickets(): void {
    this.#tls?.renewTickets()
  }

  /** A handshake is done: what speaks HTTP takes its place. */
  secured(handshake: ListenerConnection, socket: Socket, identity: ClientIdentity, firstHeadMs: number): void {
    this.#connections.delete(handshake)
    this.#speak(socket, identity, firstHeadMs)
  }

  /** Stops accepting, lets every exchange finish. Resolves when no connection is left, or at `cutNow`. */
  close(): Promise<void> {
    this.#isClosing = true
    // Not the server's own `close`: that of node:http ends idle connections at once.
    Server.prototype.close.call(this.#serving.server)
    for (const connection of this.#connections) connection.closeAfterAnswer()
    const grace = setTimeout(() => {
      for (const connection of this.#connections) if (connection.isIdle) connection.destroy()
    }, idleGraceMs)
    return new Promise((resolve) => {
      this.#emptied = () => {
        clearTimeout(grace)
        this.context.meter.listenerClosed(this.name)
        resolve()
      }
      if (this.#connections.size === 0) this.#emptied()
    })
  }

  /** Destroys what is left. @returns how many connections were cut in the middle of an exchange */
  cutNow(): number {
    let cut = 0
    for (const connection of this.#connections) {
      if (connection.isBusy) cut++
      connection.destroy()
    }
    return cut
  }

  forget(connection: ListenerConnection): void {
    if (!this.#connections.delete(connection)) return
    const { address } = connection.identity
    const count = (this.#perClient.get(address) ?? 1) - 1
    if (count === 0) this.#perClient.delete(address)
    else this.#perClient.set(address, count)
    this.context.meter.connections(this.name, -1)
    if (this.#connections.size === 0) this.#emptied?.()
  }

  #accept(socket: Socket): void {
    const remote = socket.remoteAddress
    // Gone before we looked.
    if (remote === undefined) return void socket.destroy()
    const proto = this.#tls === null ? 'http' : 'https'
    const identity = new ClientIdentity(remote, socket.localPort ?? this.settings.port, proto, this.#trusted)
    const fromClient = this.#perClient.get(identity.address) ?? 0
    if (this.#isFull(fromClient)) return this.#refuse(socket)
    this.#perClient.set(identity.address, fromClient + 1)
    this.context.meter.connections(this.name, 1)
    if (this.#tls === null) this.#speak(socket, identity, null)
    else this.#connections.add(this.#tls.accept(socket, identity))
  }

  #speak(socket: Socket, identity: ClientIdentity, firstHeadMs: number | null): void {
    const connection = this.#serving.connect(socket, identity, firstHeadMs)
    this.#connections.add(connection)
    if (this.#isClosing) connection.closeAfterAnswer()
  }

  #isFull(fromClient: number): boolean {
    const { connections, connectionsPerClient } = this.settings.limits
    const { threads } = this.context
    if (this.#connections.size >= Math.ceil(connections / threads)) return true
    return connectionsPerClient !== null && fromClient >= Math.ceil(connectionsPerClient / threads)
  }

  #refuse(socket: Socket): void {
    this.context.meter.failed('overloaded')
    if (this.#refused === maxRefused) return void socket.destroy()
    this.#refused++
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#refused--)
    // There is no answer before a handshake.
    if (this.#tls !== null) return void socket.destroy()
    socket.write(problemText('overloaded', this.context.makeRequestId(), 'close', true), 'latin1')
    linger(socket, this.context.wheel)
  }
}
