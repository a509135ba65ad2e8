import { createHash, type Hash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A client that takes the body of one answer only as fast as it is told. */
export class SlowReader {
  readonly #socket: Socket
  readonly #hash: Hash | null
  readonly #events = new EventEmitter()
  #head = ''
  #bodyBytes = 0
  /** Bytes until it pauses. */
  #allowance = 0
  #wanted = Number.POSITIVE_INFINITY
  #problem: string | null = null

  /** @param hashes true to keep a hash of the body, which takes time */
  constructor(port: number, path: string, { hashes }: { readonly hashes: boolean }) {
    this.#hash = hashes ? createHash('sha1') : null
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.write(`GET ${path} HTTP/1.1\r\nhost: gateway\r\n\r\n`)
    this.#socket.on('data', (bytes: Buffer) => this.#take(bytes))
    this.#socket.on('close', () => this.#end('the connection was closed'))
    this.#socket.on('error', (error) => this.#end(error.message))
    this.#socket.pause()
  }

  /** Bytes of the body received so far. */
  get bodyBytes(): number {
    return this.#bodyBytes
  }

  /** Why no more comes, while some is missing; null otherwise. */
  get problem(): string | null {
    return this.#bodyBytes < this.#wanted ? this.#problem : null
  }

  /** Resolves once the head of the answer is there. Rejects when the connection ends before. */
  async begun(): Promise<void> {
    while (this.#wanted === Number.POSITIVE_INFINITY && this.#problem === null) await once(this.#events, 'change')
    if (this.#problem !== null) throw new Error(`${this.#problem} before an answer came`)
  }

  /** Reads about so many bytes, and then no more. */
  allow(bytes: number): void {
    this.#allowance = bytes
    this.#socket.resume()
  }

  /** Reads the rest at once; returns the hash of all. Rejects when the connection ends before. */
  async rest(): Promise<string> {
    this.allow(Number.POSITIVE_INFINITY)
    while (this.#bodyBytes < this.#wanted && this.#problem === null) await once(this.#events, 'change')
    if (this.problem !== null) throw new Error(`${this.problem} after ${this.#bodyBytes} bytes of ${this.#wanted}`)
    if (this.#hash === null) throw new Error('it keeps no hash')
    return this.#hash.digest('hex')
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(bytes: Buffer): void {
    const body = this.#head.includes('\r\n\r\n') ? bytes : this.#takeHead(bytes)
    this.#bodyBytes += body.length
    this.#hash?.update(body)
    this.#allowance -= body.length
    if (this.#allowance <= 0) this.#socket.pause()
    if (this.#bodyBytes >= this.#wanted) this.#events.emit('change')
  }

  /** Returns what follows the head. */
  #takeHead(bytes: Buffer): Buffer {
    const before = this.#head.length
    this.#head += bytes.toString('latin1')
    const end = this.#head.indexOf('\r\n\r\n')
    if (end === -1) return bytes.subarray(bytes.length)
    this.#wanted = Number(/\r\ncontent-length: *(\d+)/i.exec(this.#head)?.[1])
    this.#events.emit('change')
    if (!this.#head.startsWith('HTTP/1.1 200 ')) this.#end(`it answers ${this.#head.slice(9, 12)}`)
    return bytes.subarray(end + 4 - before)
  }

  #end(problem: string): void {
    this.#problem ??= problem
    this.#events.emit('change')
  }
}
