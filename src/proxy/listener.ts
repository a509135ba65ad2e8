import { type AddressInfo, Server, type Socket } from 'node:net'
import type { ListenerSettings } from '../core/snapshot.ts'
import { ClientIdentity, TrustedProxies } from './client-identity.ts'
import type { Forwarder, ProxyContext } from './context.ts'
import { linger } from './h1/linger.ts'
import { problemText } from './h1/response-writer.ts'

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
  connect(socket: Socket, identity: ClientIdentity): ListenerConnection
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

  /** New settings for an unchanged address; connections that stand keep their trust in proxies. */
  reconfigure(settings: ListenerSettings): void {
    this.settings = settings
    this.#trusted = new TrustedProxies(settings.trustedProxies)
    this.#serving.reconfigured()
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
    const identity = new ClientIdentity(remote, socket.localPort ?? this.settings.port, 'http', this.#trusted)
    const fromClient = this.#perClient.get(identity.address) ?? 0
    if (this.#isFull(fromClient)) return this.#refuse(socket)
    this.#perClient.set(identity.address, fromClient + 1)
    const connection = this.#serving.connect(socket, identity)
    this.#connections.add(connection)
    if (this.#isClosing) connection.closeAfterAnswer()
    this.context.meter.connections(this.name, 1)
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
    socket.write(problemText('overloaded', this.context.makeRequestId(), 'close', true), 'latin1')
    linger(socket, this.context.wheel)
  }
}
