import type { ListenerSettings } from '../../core/snapshot.ts'
import { normalizePath } from '../../util/path.ts'
import { targetCharacter } from './characters.ts'
import { latin1 } from '../../util/latin1.ts'
import { RememberedBytes } from './remembered-bytes.ts'
import type { RequestHead } from './request-head.ts'

/**
 * Reads a request whose version and fields are, byte for byte, those of the request before it on the same connection: all that
 * was learned from them holds again, and only the target is read. Everything else is left to the parser.
 */
export class RepeatedRequest {
  /** From the space in front of the version up to the empty line. */
  readonly #fields = new RememberedBytes()
  #limits: ListenerSettings['limits'] | null = null

  /**
   * @param head of the request before; changed only when this one is read
   * @returns index behind the head, or -1 when it was not read: then `parsed` has to follow before the next one
   */
  take(bytes: Buffer, at: number, end: number, head: RequestHead, limits: ListenerSettings['limits']): number {
    if (this.#fields.length === 0) return -1
    const next = limits === this.#limits ? this.#read(bytes, at, end, head) : -1
    if (next === -1) this.#fields.forget()
    return next
  }

  #read(bytes: Buffer, at: number, end: number, head: RequestHead): number {
    const { method } = head
    let i = at
    for (let m = 0; m < method.length; m++) if (bytes[i++] !== method.charCodeAt(m)) return -1
    if (bytes[i++] !== 0x20) return -1
    const targetStart = i
    let queryStart = -1
    while (i < end && targetCharacter[bytes[i] as number] === 1) {
      if (bytes[i] === 0x3f && queryStart === -1) queryStart = i
      i++
    }
    const next = i + this.#fields.length
    const isInLimit = this.#limits !== null && next - at <= this.#limits.headBytes
    if (bytes[targetStart] !== 0x2f || !isInLimit || !this.#fields.isAt(bytes, i, end)) return -1
    const pathEnd = queryStart === -1 ? i : queryStart
    const path = latin1(bytes, targetStart, pathEnd)
    if (path !== head.path) {
      const normal = normalizePath(path)
      if (normal === null) return -1
      head.path = normal
    }
    head.isRepeated = true
    head.query = queryStart === -1 ? '' : latin1(bytes, queryStart, i)
    return next
  }

  /** A request was parsed whose head lies in `bytes`; with `start` -1 it came in several reads. */
  parsed(bytes: Buffer, start: number, end: number, head: RequestHead, limits: ListenerSettings['limits']): void {
    // A connection's only request is not worth remembering.
    const isFirst = this.#limits === null
    this.#limits = limits
    if (isFirst || start === -1) return
    const target = start + head.method.length + 1
    // An absolute target has replaced the Host field.
    if (head.minor !== 1 || bytes[target] !== 0x2f) return
    this.#fields.set(bytes, bytes.indexOf(0x20, target), end)
  }
}
