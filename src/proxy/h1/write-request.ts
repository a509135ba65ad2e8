import { Socket } from 'node:net'

/** What node:net hands to a stream handle with a write, to hear of its end when it did not fit at once. */
export interface WriteRequest {
  /** @param status negative for an error of the system */
  oncomplete: ((status: number) => void) | null
  /** -1 while no handle has it. */
  getAsyncId(): number
}

/**
 * The write request of one thread that no handle has: a handle keeps a request only when bytes have to wait, so that the same
 * one serves write after write.
 */
export class SpareWriteRequest {
  readonly #make: new () => WriteRequest
  current: WriteRequest

  private constructor(make: new () => WriteRequest) {
    this.#make = make
    this.current = new make()
  }

  /** Null where this version of Node writes in another way: then all writes go through the socket. */
  static find(): SpareWriteRequest | null {
    const make = findConstructor()
    return make === null ? null : new SpareWriteRequest(make)
  }

  /**
   * True when the handle that was written to last has the current one: until its `oncomplete`, which comes in a later turn even where
   * nothing waits any more, since what did not fit at first may have fitted at the second try.
   */
  get isKept(): boolean {
    return this.current.getAsyncId() !== -1
  }

  /** The current one was kept by a handle: it is the caller's, and there is a new spare one. */
  give(): WriteRequest {
    const given = this.current
    this.current = new this.#make()
    return given
  }
}

/** node:net exports the constructor nowhere, but hands what it makes to the handle: to one of ours, here. */
function findConstructor(): (new () => WriteRequest) | null {
  let found: (new () => WriteRequest) | null = null
  const handle = {
    writeLatin1String(request: WriteRequest | null): number {
      if (request !== null && 'oncomplete' in request && request.getAsyncId?.() === -1)
        found = request.constructor as new () => WriteRequest
      return 0
    },
    close() {},
  }
  const socket = new Socket({ handle, manualStart: true } as unknown as ConstructorParameters<typeof Socket>[0])
  socket.on('error', () => {})
  socket.write(' ', 'latin1')
  return found
}
