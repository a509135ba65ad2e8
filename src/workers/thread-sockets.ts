import type { ListenSocket } from '../core/listen-socket.ts'
import type { ControlMessage } from '../core/message.ts'
import { addressKey } from '../proxy/proxy.ts'
import type { LentSockets } from './lent-sockets.ts'

/** What one data thread is given to listen on, in place of sockets that it opens itself. */
export class ThreadSockets {
  readonly #lent: LentSockets
  #given: readonly ListenSocket[]
  /** Listeners that it has opened, or was told to. */
  #known: ReadonlySet<string> = new Set()

  /** @param given of a predecessor, for the first configuration */
  constructor(lent: LentSockets, given: readonly ListenSocket[]) {
    this.#lent = lent
    this.#given = given
  }

  /** Hands a message on, with the sockets in front that the thread needs for it. */
  pass(message: ControlMessage, send: (message: ControlMessage) => void): void {
    if (message.type === 'config') {
      const { listeners } = message.snapshot
      const added = listeners.filter((settings) => !this.#known.has(addressKey(settings)))
      const sockets = [...this.#given, ...added.flatMap(({ host, port }) => this.#lent.take(host, port))]
      this.#given = []
      this.#known = new Set(listeners.map(addressKey))
      if (sockets.length > 0) send({ type: 'sockets', sockets })
    }
    send(message)
  }
}
