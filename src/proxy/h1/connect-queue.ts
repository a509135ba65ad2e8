import type { Endpoint } from '../../core/endpoint.ts'
import { type TimerWheel, WheelTimer } from '../../util/timer-wheel.ts'
import type { Exchange, UpstreamAttempt } from '../exchange.ts'
import { attemptFailed, attemptWithdrawn, mayGoElsewhere } from '../handle.ts'
import { settingsOf } from '../settings-of.ts'

/** An exchange that waits for a connection, its own or one that another exchange is done with. Its body is kept meanwhile. */
export class ConnectTurn implements UpstreamAttempt {
  readonly x: Exchange
  readonly isReady = false
  /** @internal Those that came before and after it. */
  before: ConnectTurn | null = null
  after: ConnectTurn | null = null
  readonly #queue: ConnectQueue
  readonly #timer: WheelTimer

  constructor(queue: ConnectQueue, x: Exchange) {
    this.x = x
    this.#queue = queue
    this.#timer = new WheelTimer(() => {
      queue.remove(this)
      attemptFailed(x, queue.endpoint, 'connect-timeout', false, !queue.hasTakenOthers(x))
    })
    queue.wheel.arm(this.#timer, settingsOf(x).connectTimeoutMs)
  }

  /** Of the time that it has for a connection. */
  get leftMs(): number {
    return this.#queue.wheel.left(this.#timer)
  }

  /** It waits no more. */
  end(): void {
    this.#queue.wheel.remove(this.#timer)
  }

  abandon(): void {
    this.#queue.remove(this)
  }

  // Nothing is sent before there is a connection, and nothing comes.
  writeBody(): void {}
  endBody(): void {}
  flush(): boolean {
    return true
  }
  downstreamDrained(): void {}
}

/** Exchanges that wait for their turn to connect, in the order in which they came. */
export class ConnectQueue {
  readonly wheel: TimerWheel
  readonly endpoint: Endpoint
  /** When a connection to the endpoint stood last. */
  stoodMs = 0
  #first: ConnectTurn | null = null
  #last: ConnectTurn | null = null
  #size = 0

  constructor(wheel: TimerWheel, endpoint: Endpoint) {
    this.wheel = wheel
    this.endpoint = endpoint
  }

  get first(): ConnectTurn | null {
    return this.#first
  }

  /** True when the endpoint took a connection while `x` waited: it waited for its turn, and that is not the endpoint's fault. */
  hasTakenOthers({ attemptMs }: Exchange): boolean {
    return this.stoodMs > attemptMs
  }

  push(x: Exchange): void {
    const turn = new ConnectTurn(this, x)
    turn.before = this.#last
    if (this.#last === null) this.#first = turn
    else this.#last.after = turn
    this.#last = turn
    this.#size++
    x.upstream = turn
  }

  remove(turn: ConnectTurn): void {
    const { before, after } = turn
    if (before === null) this.#first = after
    else before.after = after
    if (after === null) this.#last = before
    else after.before = before
    this.#size--
    turn.end()
  }

  /** The service has the endpoint no more: who has another one to go to need not wait for it. */
  withdraw(): void {
    for (let turn = this.#first, behind = turn; turn !== null; turn = behind) {
      behind = turn.after
      if (!mayGoElsewhere(turn.x)) continue
      this.remove(turn)
      attemptWithdrawn(turn.x, this.endpoint)
    }
  }

  /** The endpoint refused a connection: what waits now need not ask it again. */
  refuse(): void {
    for (let left = this.#size; left > 0 && this.#first !== null; left--) {
      const turn = this.#first
      this.remove(turn)
      attemptFailed(turn.x, this.endpoint, 'connect-refused', false)
    }
  }
}
