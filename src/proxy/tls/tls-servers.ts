import { constants } from 'node:crypto'
import { createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls'
import type { ListenerTlsSettings } from '../../core/snapshot.ts'
import { CertificateChooser, type Choice } from './certificate-chooser.ts'
import type { TicketKeys } from './ticket-keys.ts'

/** How long a session can be resumed; its key may be gone before. */
const sessionSeconds = 3600

/** What is agreed with clients by ALPN (RFC 7301). Each protocol but this one would have an engine of its own to hand over to. */
const protocols = ['http/1.1']

export interface TlsEvents {
  readonly onSecured: (secured: TLSSocket) => void
  readonly onFailed: (error: NodeJS.ErrnoException, secured: TLSSocket) => void
}

/**
 * The handshakes of a listener under one state of its settings: a tls.Server for each choice of certificates, made for the first
 * client that needs it. None of them listens; they are given connections. A server for each, since a certificate that is chosen
 * within a handshake stands beside the one that it began with, and of two types of keys the client may get the wrong one.
 */
export class TlsServers {
  readonly #chooser: CertificateChooser
  readonly #options: TlsOptions
  readonly #events: TlsEvents
  readonly #servers = new Map<Choice, Server>()

  /** @throws Error when OpenSSL does not take the settings; of the certificates, those of the first choice are tried */
  constructor(settings: ListenerTlsSettings, { keys, sessionIdContext }: TicketKeys, events: TlsEvents) {
    const { certificates, minVersion, clientAuth } = settings
    this.#chooser = new CertificateChooser(certificates)
    this.#events = events
    this.#options = {
      minVersion,
      // Without it OpenSSL would look for the rest of each chain among the public authorities.
      ca: clientAuth === null ? [] : clientAuth.ca,
      requestCert: clientAuth !== null,
      rejectUnauthorized: clientAuth?.mode === 'require',
      honorCipherOrder: true,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      sessionIdContext,
      sessionTimeout: sessionSeconds,
      ...(keys !== null && { ticketKeys: keys }),
      ALPNProtocols: protocols,
    }
    this.get('')
  }

  /** @throws Error when OpenSSL does not take the certificates */
  get(serverName: string): Server {
    const choice = this.#chooser.choose(serverName)
    let server = this.#servers.get(choice)
    if (server === undefined) {
      server = this.#serve(choice)
      this.#servers.set(choice, server)
    }
    return server
  }

  #serve(choice: Choice): Server {
    const server = createServer({
      ...this.#options,
      cert: choice.map(({ cert }) => cert),
      key: choice.map(({ key }) => key),
    })
    server.on('secureConnection', this.#events.onSecured)
    server.on('tlsClientError', this.#events.onFailed)
    return server
  }
}
