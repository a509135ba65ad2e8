import { EventEmitter, once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createSecureServer, type TlsOptions, TLSSocket } from 'node:tls'
import { type HttpMessage, MalformedMessage, takeMessage } from './http-message.ts'
import type { Ending } from './raw-client.ts'

/** A whole request as the origin read it. */
export interface RecordedRequest extends HttpMessage {
  readonly method: string
  readonly target: string
  readonly connection: OriginConnection
}

/**
 * What to do with a request: text or bytes to send, or nothing when the script writes to `connection.socket` itself.
 * `index` counts the origin's requests from 0.
 */
export type Script = (request: RecordedRequest, index: number) => string | Buffer | void

/** One connection as the origin saw it. */
export class OriginConnection {
  readonly socket: Socket
  /** Every byte received, latin1. */
  received = ''
  /** Bytes behind the last whole request. */
  unread = ''
  readonly requests: RecordedRequest[] = []
  ending: Ending | null = null
  /** Why the bytes received are no well-framed request, if they are not. */
  violation: string | null = null

  constructor(socket: Socket) {
    this.socket = socket
  }

  /** Resolves when the engine has let go of it. */
  async closed(): Promise<Ending> {
    if (this.ending === null) await once(this.socket, 'let-go')
    return this.ending as Ending
  }
}

/**
 * An upstream that records every byte of every connection, reads requests strictly and answers by a script. Without one it
 * answers 200 with the request's target, so that a test sees whose answer came.
 */
export class RecordingOrigin {
  readonly connections: OriginConnection[] = []
  readonly requests: RecordedRequest[] = []
  script: Script
  readonly #server: Server
  /** Those whose handshake is not done among them. */
  readonly #accepted = new Set<Socket>()
  readonly #events = new EventEmitter()

  private constructor(script: Script, secure: TlsOptions | null) {
    this.script = script
    const options = { allowHalfOpen: true, noDelay: true }
    this.#server =
      secure === null
        ? createServer(options, (socket) => this.#accept(socket))
        : createSecureServer({ ...options, ...secure }, (socket) => this.#accept(socket))
    this.#server.on('connection', (socket: Socket) => this.#accepted.add(socket))
    this.#events.setMaxListeners(0)
  }

  /** @param secure certificates, where it speaks TLS */
  static async start(
    script: Script = (request) => answer(request.target),
    secure: TlsOptions | null = null,
  ): Promise<RecordingOrigin> {
    const origin = new RecordingOrigin(script, secure)
    origin.#server.listen(0, '127.0.0.1')
    await once(origin.#server, 'listening')
    return origin
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Bytes received over all connections. */
  get receivedBytes(): number {
    return this.connections.reduce((sum, { received }) => sum + received.length, 0)
  }

  /** Violations of framing, over all connections: what a strict origin must never see. */
  get violations(): string[] {
    return this.connections.flatMap(({ violation }) => (violation === null ? [] : [violation]))
  }

  /** The n-th whole request, counted from 1. */
  async requestAt(n: number): Promise<RecordedRequest> {
    while (this.requests.length < n) await once(this.#events, 'change')
    return this.requests[n - 1] as RecordedRequest
  }

  /** The n-th connection, counted from 1, as soon as it has sent at least `bytes`. */
  async connectionAt(n: number, bytes = 0): Promise<OriginConnection> {
    for (;;) {
      const connection = this.connections[n - 1]
      if (connection !== undefined && connection.received.length >= bytes) return connection
      await once(this.#events, 'change')
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#accepted) socket.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(socket: Socket): void {
    // TLS has no reset; it is cut without a word.
    if (socket instanceof TLSSocket) socket.resetAndDestroy = () => socket.destroy()
    const connection = new OriginConnection(socket)
    this.connections.push(connection)
    const letGo = (ending: Ending): void => {
      if (connection.ending !== null) return
      connection.ending = ending
      socket.emit('let-go')
      this.#events.emit('change')
    }
    socket.on('data', (bytes: Buffer) => {
      connection.received += bytes.toString('latin1')
      connection.unread += bytes.toString('latin1')
      this.#read(connection)
      this.#events.emit('change')
    })
    socket.on('end', () => {
      letGo('fin')
      socket.end()
    })
    socket.on('error', () => letGo('reset'))
    socket.on('close', () => letGo('reset'))
    this.#events.emit('change')
  }

  #read(connection: OriginConnection): void {
    while (connection.unread !== '' && connection.violation === null) {
      let message: HttpMessage | null = null
      try {
        message = takeMessage(connection.unread, { kind: 'request' })
      } catch (error) {
        if (!(error instanceof MalformedMessage)) throw error
        connection.violation = `${error.message} in ${JSON.stringify(connection.unread.slice(0, 300))}`
      }
      if (message === null) return
      connection.unread = connection.unread.slice(message.raw.length)
      const [method = '', target = ''] = message.startLine.split(' ')
      const request: RecordedRequest = { ...message, method, target, connection }
      connection.requests.push(request)
      this.requests.push(request)
      const reply = this.script(request, this.requests.length - 1)
      if (typeof reply === 'string') connection.socket.write(reply, 'latin1')
      else if (reply !== undefined) connection.socket.write(reply)
    }
  }
}

/** A plain answer. */
export function answer(body: string, status = '200 OK', fields = ''): string {
  return `HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\n${fields}\r\n${body}`
}
