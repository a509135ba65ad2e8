import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { ListenerSettings } from '../../core/snapshot.ts'
import { ClientIdentity, TrustedProxies } from '../client-identity.ts'
import type { ProxyContext } from '../context.ts'
import { DownstreamConnection } from './downstream.ts'
import { linger } from './linger.ts'
import { problemText } from './response-writer.ts'

/** Idle connections get this long for a request that is on its way when the listener closes. */
const idleGraceMs = 500

/** One listening address in one data thread, with its connections. */
export class Listener {
  readonly context: ProxyContext
  readonly name: string
  settings: ListenerSettings
  readonly #server: Server
  readonly #connections = new Set<DownstreamConnection>()
  readonly #perClient = new Map<string, number>()
  #trusted: TrustedProxies
  #isClosing = false
  #emptied: (() => void) | null = null

  constructor(context: ProxyContext, settings: ListenerSettings) {
    this.context = context
    this.name = settings.name
    this.settings = settings
    this.#trusted = new TrustedProxies(settings.trustedProxies)
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket))
    // A connection that could not be accepted (ECONNABORTED, EMFILE …) is nothing to the others.
    this.#server.on('error', () => {
      if (this.#server.listening) context.meter.failed('local-exhaustion')
    })
  }

  /**
   * @param reusePort true when several threads share the address
   * @throws the system error (EADDRINUSE, EACCES …) when the address can't be opened
   */
  listen(reusePort: boolean): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host: this.settings.host, port: this.settings.port, reusePort, backlog: 4096 }, () => {
        this.#server.removeListener('error', reject)
        resolve(this.#server.address() as AddressInfo)
      })
    })
  }

  /** New settings for an unchanged address; connections that stand keep their trust in proxies. */
  reconfigure(settings: ListenerSettings): void {
    this.settings = settings
    this.#trusted = new TrustedProxies(settings.trustedProxies)
  }

  /** Stops accepting, lets every exchange finish. Resolves when no connection is left, or at `cutNow`. */
  close(): Promise<void> {
    this.#isClosing = true
    this.#server.close()
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

  forget(connection: DownstreamConnection): void {
    if (!this.#connections.delete(connection)) return
    const { address } = connection.identity
    const count = (this.#perClient.get(address) ?? 1) - 1
    if (count === 0) this.#perClient.delete(address)
    else this.#perClient.set(address, count)
    if (this.#connections.size === 0 && this.#emptied !== null) this.#emptied()
    else this.context.meter.connections(this.name, this.#connections.size)
  }

  #accept(socket: Socket): void {
    const remote = socket.remoteAddress
    // Gone before we looked.
    if (remote === undefined) return void socket.destroy()
    const identity = new ClientIdentity(remote, socket.localPort ?? this.settings.port, 'http', this.#trusted)
    const fromClient = this.#perClient.get(identity.address) ?? 0
    if (this.#isFull(fromClient)) return this.#refuse(socket)
    this.#perClient.set(identity.address, fromClient + 1)
    const connection = new DownstreamConnection(this, socket, identity)
    this.#connections.add(connection)
    if (this.#isClosing) connection.closeAfterAnswer()
    this.context.meter.connections(this.name, this.#connections.size)
  }

  #isFull(fromClient: number): boolean {
    const { connections, connectionsPerClient } = this.settings.limits
    const { threads } = this.context
    if (this.#connections.size >= Math.ceil(connections / threads)) return true
    return connectionsPerClient !== null && fromClient >= Math.ceil(connectionsPerClient / threads)
  }

  #refuse(socket: Socket): void {
    this.context.meter.failed('overloaded')
    socket.on('error', () => socket.destroy())
    socket.write(problemText('overloaded', this.context.makeRequestId(), 'close', true), 'latin1')
    linger(socket, this.context.wheel)
  }
}
