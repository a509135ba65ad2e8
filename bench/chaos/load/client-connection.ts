import { connect, type Socket } from 'node:net'
import { hasBody } from './methods.ts'
import type { Method } from './methods.ts'
import { alienKind, systemMs } from './samples.ts'

export interface ClientRequest {
  readonly id: string
  readonly method: Method
  readonly dueMs: number
  sentMs: number
}

export interface ConnectionEvents {
  /** Takes a request now. */
  onFree(connection: ClientConnection): void
  onOutcome(request: ClientRequest, kind: string): void
  /** It could not connect. */
  onRefused(code: string): void
}

const reconnectMs = 20

/**
 * One kept connection of a client that trusts nobody: reads answers strictly, and looks whether each is the one to its request.
 * Opened anew when it ends; nothing is ever sent twice.
 */
export class ClientConnection {
  readonly #port: number
  readonly #events: ConnectionEvents
  #socket: Socket | null = null
  #request: ClientRequest | null = null
  #received = ''
  #isClosing = false

  constructor(port: number, events: ConnectionEvents) {
    this.#port = port
    this.#events = events
    this.#open()
  }

  get isFree(): boolean {
    return this.#request === null && this.#socket !== null && !this.#socket.connecting && !this.#socket.destroyed
  }

  /** Null while nothing is under way. */
  get request(): ClientRequest | null {
    return this.#request
  }

  send(request: ClientRequest): void {
    this.#request = request
    request.sentMs = systemMs()
    const { method, id } = request
    const body = hasBody(method) ? `body of ${id}` : ''
    const framing = body === '' ? '' : `content-length: ${body.length}\r\n`
    this.#socket?.write(`${method} /${id} HTTP/1.1\r\nhost: chaos.test\r\n${framing}\r\n${body}`, 'latin1')
  }

  /** The request under way has no answer. */
  giveUp(): void {
    this.#settle('hung')
    this.#socket?.destroy()
  }

  close(): void {
    this.#isClosing = true
    this.#socket?.destroy()
  }

  #open(): void {
    if (this.#isClosing) return
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true })
    let error: NodeJS.ErrnoException | null = null
    let hasConnected = false
    this.#socket = socket
    this.#received = ''
    socket.setEncoding('latin1')
    socket.on('connect', () => {
      hasConnected = true
      this.#events.onFree(this)
    })
    socket.on('data', (text: string) => this.#read(text))
    socket.on('error', (cause) => (error = cause))
    socket.on('close', () => {
      if (!hasConnected && !this.#isClosing) this.#events.onRefused(error?.code ?? 'closed')
      this.#ended(error)
      if (hasConnected) this.#open()
      else setTimeout(() => this.#open(), reconnectMs)
    })
  }

  #ended(error: NodeJS.ErrnoException | null): void {
    if (this.#received !== '') this.#settle('cut')
    else this.#settle(error === null ? 'closed' : 'reset')
  }

  #read(text: string): void {
    const request = this.#request
    this.#received += text
    if (request === null) return void this.#socket?.destroy()
    const answer = readAnswer(this.#received)
    if (answer === null) return
    const { head, body, isWhole } = answer
    // Nobody asked for more: whose bytes are they?
    this.#settle(isWhole ? judge(request, head, body) : alienKind)
    this.#received = ''
    if (!isWhole || /\r\nconnection: close\r\n/i.test(head)) this.#socket?.destroy()
    else this.#events.onFree(this)
  }

  #settle(kind: string): void {
    const request = this.#request
    if (request === null) return
    this.#request = null
    this.#events.onOutcome(request, kind)
  }
}

/** Null until it is complete; not `isWhole` when more follows than its length says. */
function readAnswer(text: string): { head: string; body: string; isWhole: boolean } | null {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const head = text.slice(0, headEnd + 2)
  const length = Number(/\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1] ?? 0)
  const bodyStart = headEnd + 4
  if (text.length < bodyStart + length) return null
  return { head, body: text.slice(bodyStart, bodyStart + length), isWhole: text.length === bodyStart + length }
}

function judge({ id }: ClientRequest, head: string, body: string): string {
  const status = head.slice(9, 12)
  if (status === '200') {
    if (body === id) return 'ok'
    return id.startsWith(body) ? 'part of its answer' : alienKind
  }
  const failure = /\r\nx-tidegate-error: *([^\r]+)\r\n/i.exec(head)?.[1]
  return failure === undefined ? status : `${status} ${failure}`
}
