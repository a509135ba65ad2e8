/**
 * What one thread has to say to another, a turn of the event loop at a time: each post wakes the other thread, which costs more than
 * most messages do.
 */
export class Outbox<Message> {
  readonly #post: (messages: readonly Message[]) => void
  #messages: Message[] = []
  readonly #onTurnEnd = () => this.flush()

  /** @param post gets them in the order in which they were put, none twice */
  constructor(post: (messages: readonly Message[]) => void) {
    this.#post = post
  }

  /** @param message is copied at the end of the turn: not to be changed meanwhile */
  put(message: Message): void {
    if (this.#messages.push(message) === 1) setImmediate(this.#onTurnEnd)
  }

  /** Posts now what waits, in its order: behind something that must not wait, or because the thread is about to end. */
  flush(): void {
    if (this.#messages.length === 0) return
    const messages = this.#messages
    this.#messages = []
    this.#post(messages)
  }
}
