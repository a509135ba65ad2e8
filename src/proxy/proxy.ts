import { closeSync } from 'node:fs'
import type { AdmissionCell } from '../core/admission-cell.ts'
import type { SettledExchange } from '../core/exchange.ts'
import type { ListenSocket } from '../core/listen-socket.ts'
import type { ListenError, ListenAddress } from '../core/message.ts'
import type { EngineName, ListenerSettings } from '../core/snapshot.ts'
import type { Service } from '../core/service.ts'
import { Admission } from './admission.ts'
import { ProxyContext, type ProxyOptions, type Routing } from './context.ts'
import { fastEngine } from './h1/engine.ts'
import { type Engine, Listener } from './listener.ts'
import { standardEngine } from './standard/engine.ts'

/** The data plane of one thread: its listeners, its routing, its connections. */
export class Proxy {
  readonly #context: ProxyContext
  readonly #reusePort: boolean
  readonly #engines: Readonly<Record<EngineName, Engine>> = { fast: fastEngine, standard: standardEngine() }
  readonly #listeners = new Map<string, Listener>()
  /** Those that accept no more, until their last connection is gone. */
  readonly #closing = new Map<Listener, Promise<void>>()
  /** Sockets for listeners that are yet to be opened. */
  #offered: readonly ListenSocket[] = []
  #sweeper: NodeJS.Timeout | null = null

  constructor(options: ProxyOptions & { readonly reusePort: boolean }) {
    this.#context = new ProxyContext(options)
    this.#reusePort = options.reusePort
  }

  /** One assignment: requests from now on are matched with `routing`. */
  route(routing: Routing): void {
    this.#context.routing = routing
  }

  logTo(accessLog: ((exchange: SettledExchange) => void) | null): void {
    this.#context.accessLog = accessLog
  }

  /** Sockets that listen already, for the listeners of the next `listen` at their addresses. They are the proxy's from now on. */
  offer(sockets: readonly ListenSocket[]): void {
    this.#offered = [...this.#offered, ...sockets]
  }

  /** What is listened on. */
  sockets(): readonly ListenSocket[] {
    return [...this.#listeners.values()].flatMap((listener) => listener.sockets())
  }

  /**
   * Opens, keeps and closes listeners so that they are what `wanted` says. One that can't be opened is reported and
   * leaves the others alone; one that is no longer wanted finishes its exchanges.
   */
  async listen(wanted: readonly ListenerSettings[]): Promise<{ addresses: ListenAddress[]; errors: ListenError[] }> {
    const stopping: Promise<void>[] = []
    for (const [key, listener] of this.#listeners) {
      if (wanted.some((settings) => addressKey(settings) === key)) continue
      this.#listeners.delete(key)
      stopping.push(this.#retire(listener))
    }
    await Promise.all(stopping)
    const addresses: ListenAddress[] = []
    const errors: ListenError[] = []
    for (const settings of wanted) {
      const key = addressKey(settings)
      const existing = this.#listeners.get(key)
      try {
        if (existing !== undefined) {
          existing.reconfigure(settings)
          continue
        }
        const listener = new Listener(this.#context, settings, this.#engines[settings.engine])
        const { address, port } = await listener.listen(this.#reusePort, this.#take(settings))
        this.#listeners.set(key, listener)
        addresses.push({ listener: settings.name, host: address, port })
      } catch (error) {
        const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException
        errors.push({ listener: settings.name, code, message })
      }
    }
    for (const { fd } of this.#offered) closeSync(fd)
    this.#offered = []
    return { addresses, errors }
  }

  /** While memory runs out, new requests are turned away. */
  shed(isShedding: boolean): void {
    this.#context.isShedding = isShedding
  }

  /** Keeps the exchanges of a service within its limits. */
  admissionOf(service: Service, cell: AdmissionCell): Admission {
    return new Admission(service, cell, this.#context.wheel)
  }

  #take({ host, port }: ListenerSettings): readonly ListenSocket[] {
    const taken = this.#offered.filter((socket) => socket.host === host && socket.port === port)
    this.#offered = this.#offered.filter((socket) => !taken.includes(socket))
    return taken
  }

  /** Keys of session tickets are made of this from now on, in every thread. */
  shareTickets(secret: Uint8Array): void {
    this.#context.ticketSecret = secret
    for (const listener of this.#listeners.values()) listener.renewTickets()
  }

  /** Starts the clock of deadlines and of idle upstream connections. */
  start(): void {
    this.#context.wheel.start()
    this.#sweeper = setInterval(() => {
      const now = performance.now()
      for (const pool of this.#context.restingPools) pool.sweep(now)
    }, 1000)
    this.#sweeper.unref()
  }

  /** Stops accepting, finishes what is in flight. @returns how many connections the deadline cut */
  async drain(deadlineMs: number): Promise<number> {
    this.#context.draining = true
    let cut = 0
    for (const listener of this.#listeners.values()) void this.#retire(listener)
    this.#listeners.clear()
    const deadline = setTimeout(() => {
      for (const listener of this.#closing.keys()) cut += listener.cutNow()
    }, deadlineMs)
    await Promise.all(this.#closing.values())
    clearTimeout(deadline)
    return cut
  }

  /** Closes everything at once. */
  stop(): void {
    if (this.#sweeper !== null) clearInterval(this.#sweeper)
    for (const listener of this.#listeners.values()) void this.#retire(listener)
    this.#listeners.clear()
    for (const listener of this.#closing.keys()) listener.cutNow()
    this.#context.wheel.stop()
  }

  /** @returns when its address is free */
  #retire(listener: Listener): Promise<void> {
    const { stopped, closed } = listener.close()
    const done = closed.then(() => void this.#closing.delete(listener))
    this.#closing.set(listener, done)
    return stopped
  }
}

/** Listeners of the same key are one and the same: a new configuration changes nothing but their settings. */
export function addressKey(settings: ListenerSettings): string {
  const scheme = settings.tls === null ? 'http' : 'https'
  return `${settings.engine} ${scheme} ${settings.name} ${settings.host}:${settings.port}`
}
