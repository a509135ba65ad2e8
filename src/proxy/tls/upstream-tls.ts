import type { TcpNetConnectOpts } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { Endpoint } from '../../core/endpoint.ts'
import type { ClientTlsSettings } from '../../core/snapshot.ts'
import { clientTls } from '../../util/tls-client.ts'
import type { UpstreamContexts } from './upstream-contexts.ts'

/** How connections to one endpoint are secured. It remembers the latest session, so that further handshakes are short. */
export class UpstreamTls {
  readonly settings: ClientTlsSettings
  readonly #contexts: UpstreamContexts
  readonly #endpoint: Endpoint
  #session: Buffer | null = null
  /** What the session's certificate was for. */
  #sessionName = ''

  constructor(settings: ClientTlsSettings, contexts: UpstreamContexts, endpoint: Endpoint) {
    this.settings = settings
    this.#contexts = contexts
    this.#endpoint = endpoint
  }

  /** What the endpoint's certificate has to be for: a host name, or an address. */
  get name(): string {
    return this.settings.servername ?? this.#endpoint.published.hostName ?? this.#endpoint.host
  }

  /** Emits `secureConnect` once the certificate is verified; whatever is wrong ends in `error`, then `close`. */
  connect(options: TcpNetConnectOpts): TLSSocket {
    const { name } = this
    if (name !== this.#sessionName) this.#session = null
    const socket = connect({
      ...options,
      ...this.options(name),
      ...(this.#session !== null && { session: this.#session }),
    })
    socket.on('session', (session) => {
      this.#session = session
      this.#sessionName = name
    })
    socket.on('error', () => socket.destroy())
    return socket
  }

  /** For `tls.connect`, or an agent that calls it. */
  options(name: string): ConnectionOptions {
    return clientTls(this.#contexts.get(this.settings), name, this.settings.verify)
  }
}
