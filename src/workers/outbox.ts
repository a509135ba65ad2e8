import type { ControlMessage, ThreadMessage } from '../core/message.ts'

/** A thread that has fallen behind takes in hundreds of answers in one turn: the first need not wait for the last. */
const maxGathered = 64

/**
 * What one thread has to say to another. Lists, and that they were taken, come in crowds: they are gathered until the turn of the event
 * loop is over, or there are many, since each post wakes the other thread, which costs more than most messages do. All else is posted at once.
 */
export class Outbox<Message extends ControlMessage | ThreadMessage> {
  readonly #post: (messages: readonly Message[]) => void
  #messages: Message[] = []
  readonly #onTurnEnd = () => this.flush()

  /** @param post gets them in the order in which they were put, none twice */
  constructor(post: (messages: readonly Message[]) => void) {
    this.#post = post
  }

  /** @param message is not to be changed before the turn is over: it may be copied only then */
  put(message: Message): void {
    const count = this.#messages.push(message)
    const mayWait = message.type === 'service' || message.type === 'service-applied'
    if (!mayWait || count === maxGathered) this.flush()
    else if (count === 1) setImmediate(this.#onTurnEnd)
  }

  /** Posts what waits: the thread is about to end. */
  flush(): void {
    if (this.#messages.length === 0) return
    const messages = this.#messages
    this.#messages = []
    this.#post(messages)
  }
}
