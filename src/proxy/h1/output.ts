import { writeSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { getSystemErrorName } from 'node:util'
import type { ProxyContext } from '../context.ts'
import { latin1 } from '../../util/latin1.ts'
import { chunkSizeLine } from './chunked.ts'
import type { SpareWriteRequest, WriteRequest } from './write-request.ts'

/** Slices up to this many bytes become part of the text. */
const maxJoinedBytes = 4096
/** Longer texts go the way of slices. */
const maxTextLength = 16 * 1024

/** The part of a socket that types leave out: what owns its connection. */
interface StreamHandle {
  readonly fd: number
  /** @returns 0 or a negative error of the system */
  writeLatin1String(request: WriteRequest, text: string): number
}

/**
 * Gathers what one event produces for a socket and sends it with one write: heads, chunk framing and small bodies as a latin1
 * string; a large slice with what stands before it put in front of it, in the buffer that it lies in.
 *
 * While nothing waits, it writes to the socket's handle or descriptor, past the stream that node:net puts around them: that
 * costs a third less user time per request, and what the system took at once is known, so that only the rest has to be copied.
 */
export class Output {
  readonly #socket: Socket
  readonly #context: ProxyContext
  readonly #requests: SpareWriteRequest | null
  readonly #drained: () => void
  /** False for TLS, which has to see every byte, and where there are no descriptors. */
  readonly #isDirect: boolean
  /** All there is, or what comes behind the slice. */
  #text = ''
  #prefix = ''
  #slice: Buffer | null = null
  #start = 0
  #end = 0
  /** What was gathered when there is more than one slice. */
  #slab: Buffer | null = null
  #slabEnd = 0
  /** A text written to the handle did not fit: its rest waits there. The stream knows nothing of it. */
  #isPending = false
  #isEnding = false
  #awaitsDrain = false

  /** @param drained called when the socket takes bytes again after `isBlocked` */
  constructor(socket: Socket, context: ProxyContext, drained: () => void) {
    this.#socket = socket
    this.#context = context
    this.#requests = context.writeRequests
    this.#drained = drained
    this.#isDirect = process.platform !== 'win32' && !(socket as TLSSocket).encrypted
  }

  /** True while the other end takes its bytes more slowly than they come. */
  get isBlocked(): boolean {
    return this.#isPending || this.#socket.writableNeedDrain
  }

  /** True while bytes wait. */
  get isWaiting(): boolean {
    return this.#isPending || this.#socket.writableLength > 0
  }

  /** @param text latin1 */
  text(text: string): void {
    this.#text += text
  }

  /** @param bytes must stay as they are until `flush`; those in front of `start` may be overwritten by it */
  bytes(bytes: Buffer, start: number, end: number): void {
    if (end - start <= maxJoinedBytes) {
      this.#text += latin1(bytes, start, end)
      return
    }
    if (this.#slice !== null || this.#slab !== null) this.#gather()
    this.#prefix = this.#text
    this.#text = ''
    this.#slice = bytes
    this.#start = start
    this.#end = end
  }

  /** The same as a chunk of a chunked body. */
  chunk(bytes: Buffer, start: number, end: number): void {
    this.text(chunkSizeLine(end - start))
    this.bytes(bytes, start, end)
    this.text('\r\n')
  }

  /** Sends FIN behind all that was written. */
  end(): void {
    this.#isEnding = true
    // The system's FIN would wait behind them, and a connection can't be reset while one waits.
    if (!this.#isPending) this.#socket.end()
  }

  /** Closes the connection behind all that was written. */
  endAndDestroy(): void {
    if (this.#socket.writableFinished) this.#socket.destroy()
    else this.#socket.once('finish', () => this.#socket.destroy())
    this.end()
  }

  flush(): void {
    const text = this.#text
    if (this.#slice === null && this.#slab === null && text.length <= maxTextLength) {
      if (text === '') return
      this.#text = ''
      this.#writeText(text)
      return
    }
    this.#flushSlices()
  }

  #flushSlices(): void {
    const slice = this.#slice
    const prefix = this.#prefix
    if (slice === null || this.#slab !== null || this.#text !== '' || prefix.length > this.#start) {
      this.#gather()
      return this.#flushSlab()
    }
    this.#slice = null
    this.#prefix = ''
    const start = this.#start - prefix.length
    slice.write(prefix, start, prefix.length, 'latin1')
    this.#writeBytes(slice, start, this.#end)
  }

  /** Copies everything so far behind each other. */
  #gather(): void {
    this.#copyText(this.#prefix)
    this.#prefix = ''
    const slice = this.#slice
    if (slice !== null) {
      const slab = this.#slabWithRoom(this.#end - this.#start)
      this.#slabEnd += slice.copy(slab, this.#slabEnd, this.#start, this.#end)
      this.#slice = null
    }
    this.#copyText(this.#text)
    this.#text = ''
  }

  #copyText(text: string): void {
    if (text === '') return
    const slab = this.#slabWithRoom(text.length)
    this.#slabEnd += slab.write(text, this.#slabEnd, text.length, 'latin1')
  }

  #slabWithRoom(bytes: number): Buffer {
    if (this.#slab !== null && this.#slabEnd + bytes > this.#slab.length) this.#flushSlab()
    this.#slab ??= this.#context.gatherSlabs.take(bytes)
    return this.#slab
  }

  #flushSlab(): void {
    const slab = this.#slab
    if (slab === null) return
    this.#writeBytes(slab, 0, this.#slabEnd)
    this.#slab = null
    this.#slabEnd = 0
    this.#context.gatherSlabs.give(slab)
  }

  #writeText(text: string): void {
    const requests = this.#requests
    const handle = this.#handle()
    if (handle === null || requests === null) {
      if (!this.#socket.write(text, 'latin1')) this.#awaitDrain()
      return
    }
    const status = handle.writeLatin1String(requests.current, text)
    if (status !== 0) this.#failed(status)
    else if (requests.isKept) this.#waitFor(requests.give())
  }

  /** The socket tells once that it takes bytes again. */
  #awaitDrain(): void {
    if (this.#awaitsDrain) return
    this.#awaitsDrain = true
    this.#socket.once('drain', () => {
      this.#awaitsDrain = false
      if (!this.#isPending) this.#drained()
    })
  }

  #waitFor(request: WriteRequest): void {
    this.#isPending = true
    request.oncomplete = (status) => {
      this.#isPending = false
      if (status < 0) return this.#failed(status)
      if (this.#isEnding) this.#socket.end()
      if (!this.#socket.writableNeedDrain) this.#drained()
    }
  }

  #writeBytes(bytes: Buffer, start: number, end: number): void {
    let written = 0
    const handle = this.#handle()
    if (handle !== null) {
      try {
        written = writeSync(handle.fd, bytes, start, end - start)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
          this.#socket.destroy(error as Error)
          return
        }
      }
      if (written === end - start) return
    }
    this.#keep(bytes, start + written, end)
  }

  /** What the system did not take waits in a copy. */
  #keep(bytes: Buffer, start: number, end: number): void {
    const context = this.#context
    const slab = context.waitingSlabs.take(end - start)
    const length = bytes.copy(slab, 0, start, end)
    context.waitingBytes += slab.length
    const taken = () => {
      context.waitingBytes -= slab.length
      context.waitingSlabs.give(slab)
    }
    if (!this.#socket.write(slab.subarray(0, length), taken)) this.#awaitDrain()
  }

  /** Null while earlier bytes wait, and where the connection is gone or encrypted. */
  #handle(): StreamHandle | null {
    if (this.isWaiting || !this.#isDirect) return null
    return (this.#socket as unknown as { readonly _handle: StreamHandle | null })._handle
  }

  #failed(status: number): void {
    this.#socket.destroy(Object.assign(new Error('write failed'), { code: getSystemErrorName(status) }))
  }
}
