import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
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

/** Asks for `edge.test` unless it is told otherwise. Rejects when the handshake fails. */
export async function connectTls(port: number, options: TlsClientOptions): Promise<TlsClient> {
  const socket = connectPlain({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  const secured = connect({ servername: 'edge.test', ...options, socket } as ConnectionOptions)
  await once(secured, 'secureConnect')
  return { client: RawClient.over(secured, socket), secured }
}

/** One handshake; @returns what a later one can be shortened with. */
export async function ticketOf(port: number, options: TlsClientOptions): Promise<Buffer> {
  const socket = connectPlain({ port, host: '127.0.0.1' })
  const secured = connect({ servername: 'edge.test', ...options, socket } as ConnectionOptions)
  // With TLS 1.3 it comes behind the handshake.
  const [session] = (await once(secured, 'session')) as [Buffer]
  secured.destroy()
  return session
}

/**
 * One handshake and one request; tells what was served, and lets go. Without the request a client would not know that the server
 * is content with it (RFC 8446 section 4.4.2).
 */
export async function handshake(port: number, options: TlsClientOptions): Promise<Served> {
  const { client, secured } = await connectTls(port, options)
  const certificate = secured.getPeerX509Certificate()
  const served = {
    names: certificate?.subjectAltName ?? '',
    fingerprint: certificate?.fingerprint256 ?? '',
    keyType: certificate?.publicKey.asymmetricKeyType ?? '',
    protocol: secured.getProtocol(),
    alpn: secured.alpnProtocol,
    isResumed: secured.isSessionReused(),
  }
  try {
    await client.send('GET / HTTP/1.1\r\nhost: edge.test\r\n\r\n').response()
    return served
  } finally {
    client.destroy()
  }
}

export interface Served {
  /** `DNS:a.test, DNS:b.test` */
  readonly names: string
  readonly fingerprint: string
  readonly keyType: string
  readonly protocol: string | null
  readonly alpn: string | false | null
  readonly isResumed: boolean
}
