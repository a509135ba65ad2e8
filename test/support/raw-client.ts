import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type HttpMessage, takeMessage } from './http-message.ts'

export interface RawResponse extends HttpMessage {
  readonly status: number
}

/** How the other side let go: in good order, or with a reset. */
export type Ending = 'fin' | 'reset'

/** A client that sends exactly the bytes it is told, and reads answers strictly. Text is latin1, one character a byte. */
export class RawClient {
  readonly socket: Socket
  /** Everything received so far. */
  received = ''
  #unread = ''
  #ending: Ending | null = null
  readonly #below: Socket
  readonly #events = new EventEmitter()

  private constructor(socket: Socket, below = socket) {
    this.socket = socket
    this.#below = below
    socket.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1')
      this.received += text
      this.#unread += text
      this.#events.emit('change')
    })
    socket.on('end', () => this.#ended('fin'))
    socket.on('error', () => this.#ended('reset'))
    socket.on('close', () => this.#ended('reset'))
  }

  /** @param localAddress of loopback, to be another client; default the system's choice */
  static async connect(port: number, localAddress?: string): Promise<RawClient> {
    const from = localAddress === undefined ? {} : { localAddress }
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true, ...from })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  /** @param socket stands; nothing was read of it @param below what carries it, for resets */
  static over(socket: Socket, below: Socket): RawClient {
    return new RawClient(socket, below)
  }

  /** Null while the connection stands. */
  get ending(): Ending | null {
    return this.#ending
  }

  send(bytes: string | Buffer): this {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1')
    else this.socket.write(bytes)
    return this
  }

  /** Sends each piece in a packet of its own: the next one goes out when the one before was handed to the system. */
  async sendPieces(pieces: readonly (string | Buffer)[]): Promise<void> {
    for (const piece of pieces) {
      if (this.socket.destroyed || this.socket.writableEnded) return
      const bytes = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece
      await new Promise<void>((resolve) => this.socket.write(bytes, () => setImmediate(resolve)))
    }
  }

  /** Half-close: no more will be sent. */
  end(): this {
    this.socket.end()
    return this
  }

  /** Lets go with a reset. */
  reset(): void {
    this.#below.resetAndDestroy()
  }

  destroy(): void {
    this.socket.destroy()
  }

  /**
   * The next response, an interim one (1xx) included.
   *
   * @param bodyless true for the answer to a HEAD
   * @throws MalformedMessage, or an error that shows what came when the connection ended before
   */
  async response({ bodyless = false } = {}): Promise<RawResponse> {
    for (;;) {
      const hasEnded = this.#ending === 'fin'
      const message = takeMessage(this.#unread, { kind: 'response', bodyless, hasEnded })
      if (message !== null) {
        this.#unread = this.#unread.slice(message.raw.length)
        return { ...message, status: Number(message.startLine.slice(9, 12)) }
      }
      if (this.#ending !== null)
        throw new Error(`the connection ended (${this.#ending}) after ${JSON.stringify(this.#unread.slice(0, 500))}`)
      await once(this.#events, 'change')
    }
  }

  async responses(count: number): Promise<RawResponse[]> {
    const responses: RawResponse[] = []
    while (responses.length < count) responses.push(await this.response())
    return responses
  }

  /** Resolves once at least `count` bytes were received in all. */
  async bytes(count: number): Promise<void> {
    while (this.received.length < count && this.#ending === null) await once(this.#events, 'change')
  }

  /** What is left unread when the other side has let go. */
  async rest(): Promise<{ text: string; ending: Ending }> {
    while (this.#ending === null) await once(this.#events, 'change')
    return { text: this.#unread, ending: this.#ending }
  }

  #ended(ending: Ending): void {
    if (this.#ending !== null) return
    this.#ending = ending
    this.#events.emit('change')
  }
}

/** One connection, `bytes`, one response; then the connection is let go. */
export async function exchangeRaw(port: number, bytes: string | Buffer): Promise<RawResponse> {
  const client = await RawClient.connect(port)
  try {
    return await client.send(bytes).response()
  } finally {
    client.destroy()
  }
}
