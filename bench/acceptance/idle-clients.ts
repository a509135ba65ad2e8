import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'

/** So many connect at a time: more would wait in the accept queue. */
const batch = 100

/** Connections that ask now and then, and are idle otherwise. */
export class IdleClients {
  readonly #url: URL
  readonly #ca: Buffer | null
  readonly #request: string
  readonly #sockets: Socket[] = []

  /** @param certificate file of the certificate that the other side has to show; null over plain TCP */
  constructor(url: string, certificate: string | null) {
    this.#url = new URL(url)
    this.#ca = certificate === null ? null : readFileSync(certificate)
    this.#request = `GET ${this.#url.pathname} HTTP/1.1\r\nhost: ${this.#url.host}\r\n\r\n`
  }

  /** Opens so many more, each of which asks once. Rejects when one gets no answer of 200. */
  async open(count: number): Promise<void> {
    for (let opened = 0; opened < count; opened += batch) {
      const sockets = await Promise.all(
        Array.from({ length: Math.min(batch, count - opened) }, async () => this.#connect()),
      )
      this.#sockets.push(...sockets)
      await Promise.all(sockets.map(async (socket) => this.#ask(socket)))
    }
  }

  /** Each connection asks once more: it was kept. Rejects when one was closed meanwhile. */
  async askAll(): Promise<void> {
    for (let at = 0; at < this.#sockets.length; at += batch) {
      await Promise.all(this.#sockets.slice(at, at + batch).map(async (socket) => this.#ask(socket)))
    }
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) socket.destroy()
  }

  async #connect(): Promise<Socket> {
    const place = { host: this.#url.hostname, port: Number(this.#url.port) }
    const socket = this.#ca === null ? connect(place) : connectSecure({ ...place, ca: this.#ca })
    await once(socket, this.#ca === null ? 'connect' : 'secureConnect')
    return socket.setEncoding('latin1')
  }

  async #ask(socket: Socket): Promise<void> {
    const answer = new Promise<string>((resolve, reject) => {
      let text = ''
      const take = (piece: string) => {
        text += piece
        if (!isWhole(text)) return
        leave()
        resolve(text)
      }
      const fail = () => {
        leave()
        reject(new Error(`a connection was closed after ${JSON.stringify(text.slice(0, 100))}`))
      }
      const leave = () => void socket.off('data', take).off('close', fail).off('error', fail)
      socket.on('data', take).on('close', fail).on('error', fail)
    })
    socket.write(this.#request)
    const text = await answer
    if (!text.startsWith('HTTP/1.1 200 ')) throw new Error(`a connection got ${text.slice(0, 12)}`)
  }
}

function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))
  if (length === null) throw new Error('an answer without content-length')
  return text.length === head + 4 + Number(length[1])
}
