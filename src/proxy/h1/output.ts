import type { Socket } from 'node:net'
import { latin1 } from './latin1.ts'

/** Slices up to this many bytes are copied into the text of the next write; larger ones are written by reference. */
const maxJoinedBytes = 4096

/**
 * Gathers what one event produces for a socket and sends it with as few writes as possible: heads, chunk framing and small
 * bodies as one latin1 string, large slices apart, all of them corked together.
 */
export class Output {
  readonly #socket: Socket
  #text = ''
  #isCorked = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** @param text latin1 */
  text(text: string): void {
    this.#text += text
  }

  bytes(bytes: Buffer, start: number, end: number): void {
    if (end - start <= maxJoinedBytes) {
      this.#text += latin1(bytes, start, end)
      return
    }
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#socket.cork()
    }
    this.#writeText()
    this.#socket.write(bytes.subarray(start, end))
  }

  /** @returns true when bytes still wait in the socket's queue, perhaps by reference */
  flush(): boolean {
    this.#writeText()
    if (this.#isCorked) {
      this.#isCorked = false
      this.#socket.uncork()
    }
    return this.#socket.writableLength > 0
  }

  #writeText(): void {
    if (this.#text === '') return
    const text = this.#text
    this.#text = ''
    this.#socket.write(text, 'latin1')
  }
}
