import { closeSync } from 'node:fs'
import type { ListenSocket } from '../core/listen-socket.ts'
import { duplicateSockets } from './duplicate-sockets.ts'

export type Duplicate = typeof duplicateSockets

/** A socket that is lent to us, with the copies of it that no thread has yet. */
export interface LentStock {
  readonly socket: ListenSocket
  /** Who opened it holds it on: it can be closed here for good, and is open all the same. */
  readonly isLent: boolean
  readonly copies: readonly number[]
}

interface Stock {
  readonly socket: ListenSocket
  readonly isLent: boolean
  copies: number[]
  isCopying: boolean
  /** No listener wants it, and that was said. */
  isIdle: boolean
}

/**
 * Listening sockets that somebody else opened and holds, systemd above all, or that a process of one thread opened: their addresses can't be opened beside them, so each
 * thread listens on a copy. The descriptors that came with the process are never listened on: copies are made of them for as long as it
 * runs.
 */
export class LentSockets {
  #stocks: readonly Stock[]
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
    this.#stocks = stocks.map(({ copies, ...rest }) => ({
      ...rest,
      copies: [...copies],
      isCopying: false,
      isIdle: false,
    }))
    this.#wanted = wanted
    this.#onProblem = onProblem
    this.#duplicate = duplicate
  }

  originals(): readonly Pick<LentStock, 'socket' | 'isLent'>[] {
    return this.#stocks
  }

  /**
   * These are the listeners in force. A socket that none wants is closed, but for one that is lent: that has to be there when a listener
   * wants it again.
   *
   * @returns those lent sockets on which nobody accepts since this call
   */
  keep(listeners: readonly { readonly host: string; readonly port: number }[]): readonly ListenSocket[] {
    const idle = this.#stocks.filter(
      ({ socket }) => !listeners.some(({ host, port }) => socket.host === host && socket.port === port),
    )
    const found = idle.filter(({ isLent, isIdle }) => isLent && !isIdle)
    for (const stock of this.#stocks) stock.isIdle = idle.includes(stock)
    for (const stock of idle) if (!stock.isLent) this.#close(stock)
    return found.map(({ socket }) => socket)
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

  #close(stock: Stock): void {
    this.#stocks = this.#stocks.filter((other) => other !== stock)
    // Copies that are made at this moment close themselves.
    for (const fd of [stock.socket.fd, ...stock.copies]) closeSync(fd)
    stock.copies = []
  }

  async #refill(stock: Stock): Promise<void> {
    if (stock.isCopying) return
    stock.isCopying = true
    try {
      while (stock.copies.length < this.#wanted) {
        const [made] = await this.#duplicate([stock.socket.fd], this.#wanted - stock.copies.length)
        const copies = made?.copies ?? []
        if (!this.#stocks.includes(stock)) return copies.forEach((fd) => closeSync(fd))
        stock.copies.push(...copies)
      }
    } catch (error) {
      this.#onProblem(error instanceof Error ? error.message : String(error))
    } finally {
      stock.isCopying = false
    }
  }
}
