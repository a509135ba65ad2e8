import type { Server as HttpServer } from 'node:http'
import { ServerDrain } from './drain-server.ts'
import { endWhatIsOpen } from './ends-with-server.ts'

/** As much of `@grpc/grpc-js`'s server as is used. */
export interface GrpcServerLike {
  /** Stops accepting, sends GOAWAY, and calls back when all calls have ended. */
  tryShutdown(done: (error?: Error) => void): void
  forceShutdown(): void
}

/** Something that serves and can finish what is in flight. */
export interface Drain {
  /**
   * Takes nothing new, and finishes what is in flight; after `deadlineMs` breaks off the rest.
   * @returns whether all was finished in time
   */
  drain(deadlineMs: number): Promise<boolean>
  /** It will not be drained: it is served on as if nothing had been. */
  release(): void
}

export function drainOf(server: HttpServer | GrpcServerLike): Drain {
  return 'tryShutdown' in server ? new GrpcDrain(server) : new ServerDrain(server)
}

class GrpcDrain implements Drain {
  readonly #server: GrpcServerLike

  constructor(server: GrpcServerLike) {
    this.#server = server
  }

  drain(deadlineMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const deadline = setTimeout(() => {
        this.#server.forceShutdown()
        resolve(false)
      }, deadlineMs)
      this.#server.tryShutdown(() => {
        clearTimeout(deadline)
        resolve(true)
      })
      // Once nothing new is let in.
      endWhatIsOpen(this.#server)
    })
  }

  release(): void {}
}
