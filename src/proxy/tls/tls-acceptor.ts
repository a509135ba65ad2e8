import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import type { ListenerTlsSettings } from '../../core/snapshot.ts'
import type { ClientIdentity } from '../client-identity.ts'
import { problemText } from '../h1/response-writer.ts'
import type { Listener } from '../listener.ts'
import { forwardedClientCertificate, isAcceptable } from './client-certificate.ts'
import { Handshake } from './handshake.ts'
import { ticketKeys } from './ticket-keys.ts'
import { TlsServers } from './tls-servers.ts'

const handshakeOf = Symbol('handshake')

/** An accepted socket with its handshake: a WeakMap would cost the collector more than the handshakes' own objects. */
interface Shaking extends Socket {
  [handshakeOf]?: Handshake
}

/** Makes secured connections of a listener's accepted ones. Handshakes under way go on with the settings they began with. */
export class TlsAcceptor {
  readonly #listener: Listener
  #settings: ListenerTlsSettings
  #servers: TlsServers

  /** @throws Error when OpenSSL does not take the settings */
  constructor(listener: Listener, settings: ListenerTlsSettings) {
    this.#listener = listener
    this.#settings = settings
    this.#servers = this.#serve(settings)
  }

  /** Does nothing when they are the ones in force. @throws as the constructor; then those stay */
  reconfigure(settings: ListenerTlsSettings): void {
    if (isDeepStrictEqual(settings, this.#settings)) return
    this.#servers = this.#serve(settings)
    this.#settings = settings
  }

  /** The secret of session tickets was replaced. */
  renewTickets(): void {
    this.#servers = this.#serve(this.#settings)
  }

  /** @param accepted nothing was read of it */
  accept(accepted: Socket, identity: ClientIdentity): Handshake {
    const handshake = new Handshake(this.#listener, accepted, identity)
    const servers = this.#servers
    ;(accepted as Shaking)[handshakeOf] = handshake
    if (this.#settings.certificates.length === 1) servers.get('').emit('connection', accepted)
    else handshake.readServerName((name) => servers.get(name).emit('connection', accepted))
    return handshake
  }

  #serve(settings: ListenerTlsSettings): TlsServers {
    const { context, name } = this.#listener
    return new TlsServers(settings, ticketKeys(context.ticketSecret, name, settings), {
      onSecured: (secured) => this.#secured(secured, settings),
      onFailed: ({ code }, secured) => {
        // What is left of the connection, Node closes.
        if (code === 'ERR_SSL_HTTP_REQUEST') this.#handshakeOf(secured)?.sendPlain(notTls(context.makeRequestId()))
      },
    })
  }

  #secured(secured: TLSSocket, { clientAuth }: ListenerTlsSettings): void {
    const handshake = this.#handshakeOf(secured)
    secured.on('error', () => secured.destroy())
    if (handshake === undefined) return void secured.destroy()
    if (clientAuth === null) return handshake.done(secured, handshake.identity)
    if (!isAcceptable(secured, clientAuth.mode)) return void secured.destroy()
    const shown = forwardedClientCertificate(secured)
    handshake.done(secured, shown === null ? handshake.identity : handshake.identity.withCertificate(shown))
  }

  #handshakeOf(secured: TLSSocket): Handshake | undefined {
    // The accepted socket below a TLS socket: Node has it under this name and documents none.
    const { _parent: accepted } = secured as unknown as { _parent: Shaking }
    return accepted[handshakeOf]
  }
}

function notTls(requestId: string): string {
  return problemText('bad-request', requestId, 'close', true)
}
