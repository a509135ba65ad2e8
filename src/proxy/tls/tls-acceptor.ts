import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import type { ListenerTlsSettings } from '../../core/snapshot.ts'
import type { ClientIdentity } from '../client-identity.ts'
import { problemText } from '../h1/response-writer.ts'
import type { Listener } from '../listener.ts'
import { CertificateChooser } from './certificate-chooser.ts'
import { forwardedClientCertificate, isAcceptable } from './client-certificate.ts'
import { Handshake } from './handshake.ts'
import { ticketKeys } from './ticket-keys.ts'

/** How long a session can be resumed; its key may be gone before. */
const sessionSeconds = 3600

/** What is agreed with clients by ALPN (RFC 7301). Each protocol but this one would have an engine of its own to hand over to. */
const protocols = ['http/1.1']

/**
 * Makes secured connections of a listener's accepted ones. Node's tls.Server does the handshakes; it never listens itself, it is
 * given connections. A change replaces it: handshakes under way go on with the certificates they began with.
 */
export class TlsAcceptor {
  readonly #listener: Listener
  readonly #handshakes = new WeakMap<Socket, Handshake>()
  #settings: ListenerTlsSettings
  #server: Server

  /** @throws Error when OpenSSL does not take the settings */
  constructor(listener: Listener, settings: ListenerTlsSettings) {
    this.#listener = listener
    this.#settings = settings
    this.#server = this.#serve(settings)
  }

  /** Does nothing when they are the ones in force. @throws as the constructor; then those stay */
  reconfigure(settings: ListenerTlsSettings): void {
    if (isDeepStrictEqual(settings, this.#settings)) return
    this.#server = this.#serve(settings)
    this.#settings = settings
  }

  /** The secret of session tickets was replaced. */
  renewTickets(): void {
    this.#server = this.#serve(this.#settings)
  }

  /** @param accepted nothing was read of it */
  accept(accepted: Socket, identity: ClientIdentity): Handshake {
    const handshake = new Handshake(this.#listener, accepted, identity)
    this.#handshakes.set(accepted, handshake)
    this.#server.emit('connection', accepted)
    return handshake
  }

  #serve(settings: ListenerTlsSettings): Server {
    const { context, name } = this.#listener
    const { certificates, minVersion, clientAuth } = settings
    const { keys, sessionIdContext } = ticketKeys(context.ticketSecret, name, settings)
    const chooser = new CertificateChooser(certificates, {
      minVersion,
      // Without it OpenSSL would look for the rest of each chain among the public authorities.
      ca: clientAuth === null ? [] : clientAuth.ca,
      honorCipherOrder: true,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      sessionIdContext,
      sessionTimeout: sessionSeconds,
      ...(keys !== null && { ticketKeys: keys }),
    })
    const server = createServer({
      ...chooser.default,
      ALPNProtocols: protocols,
      requestCert: clientAuth !== null,
      rejectUnauthorized: clientAuth?.mode === 'require',
      ...(certificates.length > 1 && { SNICallback: choosing(chooser) }),
    })
    server.on('secureConnection', (secured) => this.#secured(secured, settings))
    server.on('tlsClientError', (error: NodeJS.ErrnoException, secured) => {
      // What is left of the connection, Node closes.
      if (error.code === 'ERR_SSL_HTTP_REQUEST') this.#handshakeOf(secured)?.sendPlain(notTls(context.makeRequestId()))
    })
    return server
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
    const { _parent: accepted } = secured as unknown as { _parent: Socket }
    return this.#handshakes.get(accepted)
  }
}

function choosing(chooser: CertificateChooser): NonNullable<TlsOptions['SNICallback']> {
  return (servername, done) => {
    try {
      done(null, chooser.choose(servername) ?? undefined)
    } catch (error) {
      done(error as Error)
    }
  }
}

function notTls(requestId: string): string {
  return problemText('bad-request', requestId, 'close', true)
}
