import type { AddressInfo, Server, Socket } from 'node:net'
import type { ListenSocket } from '../core/listen-socket.ts'
import type { ListenerSettings } from '../core/snapshot.ts'
import { descriptorOf, listenOn } from './listen-on.ts'
import { closeAtCalmTurn, closeServer } from './calm-close.ts'
import { ClientIdentity, TrustedProxies } from './client-identity.ts'
import { ConnectionPlaces, noPlace } from './connection-places.ts'
import type { Forwarder, ProxyContext } from './context.ts'
import { linger } from './h1/linger.ts'
import { problemText } from './h1/response-writer.ts'
import { type Listed, OpenConnections } from './open-connections.ts'
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
  /** One more, for a socket beside that of `server`: what it accepts is served alike. */
  another(): Server
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
export interface ListenerConnection extends Listed {
  readonly identity: ClientIdentity
  /** What it holds of the listener's limits; the listener's own. */
  place: number
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
  /** The engine's, and those for further sockets of the address. */
  readonly #servers: Server[] = []
  /** Null where plain HTTP is spoken. */
  readonly #tls: TlsAcceptor | null
  readonly #connections = new OpenConnections<ListenerConnection>()
  readonly #places: ConnectionPlaces
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
    this.#places = new ConnectionPlaces(context.ledger, context.column, settings)
    this.#serving = engine.serve(this)
    this.#tls = settings.tls === null ? null : new TlsAcceptor(this, settings.tls)
    this.#attend(this.#serving.server)
  }

  /**
   * @param reusePort true when several threads share the address
   * @param given sockets of the address that are listened on instead; none = one of its own is opened
   * @throws the system error (EADDRINUSE, EACCES …) when the address can't be opened
   */
  async listen(reusePort: boolean, given: readonly ListenSocket[] = []): Promise<AddressInfo> {
    const { host, port } = this.settings
    const { server } = this.#serving
    const [first, ...more] = given
    const address = await listenOn(server, first ?? { host, port, reusePort })
    try {
      for (const socket of more) await listenOn(this.#attend(this.#serving.another()), socket)
    } catch (error) {
      for (const opened of this.#servers) closeServer(opened)
      throw error
    }
    this.context.meter.listenerOpened(this.name)
    return address
  }

  /** What it listens on. */
  sockets(): readonly ListenSocket[] {
    const { name, settings } = this
    return this.#servers
      .filter(({ listening }) => listening)
      .map((server) => {
        const { port } = server.address() as AddressInfo
        return { fd: descriptorOf(server), listener: name, host: settings.host, port }
      })
  }

  #attend(server: Server): Server {
    this.#servers.push(server)
    server.on('connection', (socket: Socket) => this.#accept(socket))
    // A connection that could not be accepted (ECONNABORTED, EMFILE …) is nothing to the others.
    server.on('error', () => {
      if (server.listening) this.context.meter.failed('local-exhaustion')
    })
    return server
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
    this.#places.limit(settings.limits)
    for (const connection of this.#connections.all()) {
      connection.place = this.#places.count(connection.place, connection.identity.address)
    }
    this.#serving.reconfigured()
  }

  /** The secret of session tickets was replaced. */
  renewTickets(): void {
    this.#tls?.renewTickets()
  }

  /** A handshake is done: what speaks HTTP takes its place. */
  secured(handshake: ListenerConnection, socket: Socket, identity: ClientIdentity, firstHeadMs: number): void {
    if (!this.#connections.remove(handshake)) return void socket.destroy()
    this.#add(this.#speak(socket, identity, firstHeadMs), handshake.place)
  }

  /**
   * Stops accepting, lets every exchange finish.
   *
   * @returns `stopped` resolves when the address is free; `closed` when no connection is left either, or at `cutNow`
   */
  close(): { readonly stopped: Promise<void>; readonly closed: Promise<void> } {
    this.#isClosing = true
    const stopped = this.#stop()
    for (const connection of this.#connections.all()) connection.closeAfterAnswer()
    return { stopped, closed: stopped.then(() => this.#emptyOut()) }
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#servers.map(closeAtCalmTurn))
  }

  async #emptyOut(): Promise<void> {
    const { promise: emptied, resolve } = Promise.withResolvers<void>()
    this.#emptied = resolve
    // Again and again: one whose client takes its last answer slowly is idle later.
    const looks = setInterval(() => {
      for (const connection of this.#connections.all()) if (connection.isIdle) connection.destroy()
    }, idleGraceMs)
    if (this.#connections.size > 0) await emptied
    clearInterval(looks)
    this.context.meter.listenerClosed(this.name)
  }

  /** Destroys what is left. @returns how many connections were cut in the middle of an exchange */
  cutNow(): number {
    let cut = 0
    for (const server of this.#servers) closeServer(server)
    for (const connection of this.#connections.all()) {
      if (connection.isBusy) cut++
      connection.destroy()
    }
    return cut
  }

  forget(connection: ListenerConnection): void {
    if (!this.#connections.remove(connection)) return
    this.#places.giveBack(connection.place)
    this.context.meter.connections(this.name, -1)
    if (this.#connections.size === 0) this.#emptied?.()
  }

  #accept(socket: Socket): void {
    const remote = socket.remoteAddress
    // Gone before we looked.
    if (remote === undefined) return void socket.destroy()
    const proto = this.#tls === null ? 'http' : 'https'
    const identity = new ClientIdentity(remote, socket.localPort ?? this.settings.port, proto, this.#trusted)
    const place = this.#places.take(identity.address)
    if (place === noPlace) return this.#refuse(socket)
    this.context.meter.connections(this.name, 1)
    const connection = this.#tls === null ? this.#speak(socket, identity, null) : this.#tls.accept(socket, identity)
    this.#add(connection, place)
  }

  #add(connection: ListenerConnection, place: number): void {
    connection.place = place
    this.#connections.add(connection)
  }

  #speak(socket: Socket, identity: ClientIdentity, firstHeadMs: number | null): ListenerConnection {
    const connection = this.#serving.connect(socket, identity, firstHeadMs)
    if (this.#isClosing) connection.closeAfterAnswer()
    return connection
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
