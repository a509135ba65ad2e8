import { once } from 'node:events'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { RawClient } from './raw-client.ts'

export interface TlsClientOptions extends Omit<ConnectionOptions, 'port' | 'host' | 'socket'> {
  /** PEM of the authority that it believes. */
  readonly ca: string
}

/** A client that speaks TLS below; what it sends and reads is as with `RawClient`. */
export interface TlsClient {
  readonly client: RawClient
  readonly secured: TLSSocket
}

/** Rejects when the handshake fails. */
export async function connectTls(port: number, options: TlsClientOptions): Promise<TlsClient> {
  const secured = connect({
    port,
    host: '127.0.0.1',
    servername: 'edge.test',
    allowHalfOpen: true,
    ...options,
  } as ConnectionOptions)
  secured.setNoDelay(true)
  await once(secured, 'secureConnect')
  return { client: RawClient.over(secured), secured }
}
