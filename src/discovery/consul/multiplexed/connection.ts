import type { IncomingHttpHeaders } from 'node:http'
import type { OutgoingHttpHeaders } from 'node:http2'
import type { MultiplexedLimits } from '../options.ts'

export interface QueryAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Time was up. */
export class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp'
}

export interface AnswerOptions<Taken> {
  readonly timeoutMs: number
  /** Whether the process lives on for it. */
  readonly holds: boolean
  readonly signal: AbortSignal
  /** Called once the query takes no place any more. */
  readonly onEnd: () => void
  /** See Wire. */
  readonly take: (answer: QueryAnswer) => Taken
  /** What to reject with where there is no whole answer. */
  readonly errorOf: (failure: unknown) => Error
}

export interface OpenOptions {
  readonly limits: MultiplexedLimits
  /** Of each request. */
  readonly headers: OutgoingHttpHeaders
  readonly signal: AbortSignal
}

/** One over which queries go side by side. It keeps no process alive: who waits for an answer at once does. */
export interface Connection {
  /** Called when another `maxQueries` holds, and at the end. */
  onChange: () => void
  readonly isOpen: boolean
  /** As the agent allows now. */
  readonly maxQueries: number
  /** False once it is about to end: queries that there are go on for as long as they take. */
  readonly takesQueries: boolean
  /**
   * Rejects with what `errorOf` makes of a failure, and with what `take` throws.
   * @param path below `/v1`, with its query
   * @throws Error where the connection can't take it
   */
  ask<Taken>(path: string, options: AnswerOptions<Taken>): Promise<Taken>
  /** Asks for a sign of life. */
  probe(onAnswer: () => void): void
  /** All its queries fail. */
  destroy(reason?: Error): void
}
