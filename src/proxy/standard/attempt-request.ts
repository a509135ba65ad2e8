import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { StandardAttempt } from './attempt.ts'

/**
 * A request as http-proxy reads it: method and target in our form, and the body as the exchange hands it out, so that a retry
 * can send it again. It has no fields: those of the attempt are set when its connection is known (see `StandardAttempt`).
 */
export class AttemptRequest extends Readable {
  readonly attempt: StandardAttempt
  readonly method: string
  readonly url: string
  readonly headers = {}
  readonly httpVersionMajor = 1
  /** http-proxy takes errors of a client that left for harmless; ours never is this one. */
  readonly socket = { destroyed: false }

  constructor(attempt: StandardAttempt, method: string, url: string) {
    super()
    this.attempt = attempt
    this.method = method
    this.url = url
  }

  override _read(): void {
    this.attempt.bodyTaken()
  }

  asIncomingMessage(): IncomingMessage {
    return this as unknown as IncomingMessage
  }
}
