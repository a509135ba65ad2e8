import type { ListenSocket } from '../core/listen-socket.ts'
import { duplicateSockets } from './duplicate-sockets.ts'

export type Duplicate = typeof duplicateSockets

/** A socket that is lent to us, with the copies of it that no thread has yet. */
export interface LentStock {
  readonly socket: ListenSocket
  readonly copies: readonly number[]
}

interface Stock {
  readonly socket: ListenSocket
  copies: number[]
  isCopying: boolean
}

/**
 * Listening sockets that somebody else opened and holds, systemd above all: their addresses can't be opened beside them, so each
 * thread listens on a copy. The descriptors that came with the process are never listened on: copies are made of them for as long as it
 * runs.
 */
export class LentSockets {
  readonly #stocks: readonly Stock[]
  /** Copies of each that are kept in store: a thread that dies is replaced at once. */
  readonly #wanted: number
  readonly #duplicate: Duplicate
  readonly #onProblem: (message: string) => void

  constructor(
    stocks: readonly LentStock[],
    wanted: number,
    onProblem: (message: string) => void = () => {},
    duplicate: Duplicate = duplicateSockets,
  ) {
    this.#stocks = stocks.map(({ socket, copies }) => ({ socket, copies: [...copies], isCopying: false }))
    this.#wanted = wanted
    this.#onProblem = onProblem
    this.#duplicate = duplicate
  }

  originals(): readonly ListenSocket[] {
    return this.#stocks.map(({ socket }) => socket)
  }

  /** True when the address can be listened on by copies only. */
  holds(host: string, port: number): boolean {
    return this.#stocks.some(({ socket }) => socket.host === host && socket.port === port)
  }

  /** One copy of each socket of that address: a queue that nobody accepts from is lost. */
  take(host: string, port: number): ListenSocket[] {
    const taken: ListenSocket[] = []
    for (const stock of this.#stocks) {
      const { socket, copies } = stock
      if (socket.host !== host || socket.port !== port) continue
      const fd = copies.shift()
      // Without a copy the thread finds the address taken, and says so.
      if (fd !== undefined) taken.push({ ...socket, fd })
      void this.#refill(stock)
    }
    return taken
  }

  async #refill(stock: Stock): Promise<void> {
    if (stock.isCopying) return
    stock.isCopying = true
    try {
      while (stock.copies.length < this.#wanted) {
        const [made] = await this.#duplicate([stock.socket.fd], this.#wanted - stock.copies.length)
        stock.copies.push(...(made?.copies ?? []))
      }
    } catch (error) {
      this.#onProblem(error instanceof Error ? error.message : String(error))
    } finally {
      stock.isCopying = false
    }
  }
}
