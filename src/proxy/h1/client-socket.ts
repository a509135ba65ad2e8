import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** The part of a socket that types leave out: what it owns of the connection. */
interface Handled {
  _handle: StreamHandle | null
}

interface StreamHandle {
  /** Reads go there from now on. */
  useUserBuffer(buffer: Buffer): void
}

/** What the system does not take at once is all that waits in the stream: more is neither read nor written until it is gone. */
export const tightWrites = { writableHighWaterMark: 1 }

/** The properties in which a socket has what `onread` says; symbols that only its own module knows. */
const [bufferKey, callbackKey] = symbolsOf(new Socket(), 'kBuffer', 'kBufferCb')

/** A symbol of our own where there is none of that name. */
function symbolsOf(socket: Socket, ...names: readonly [string, string]): [symbol, symbol] {
  const symbols = Object.getOwnPropertySymbols(socket)
  const [first, second] = names.map((name) => symbols.find(({ description }) => description === name) ?? Symbol(name))
  return [first as symbol, second as symbol]
}

/**
 * Lets an accepted connection read into `buffer` instead of a fresh one per read. A plain one is taken over into another socket:
 * the accepted one is left empty, so its server neither counts nor closes the connection any more. One that speaks TLS stays.
 *
 * @param accepted paused since it was accepted (`pauseOnConnect`), or just done with its handshake
 * @param buffer shared by many sockets: what was read is valid until `read` returns
 */
export function takeOver(accepted: Socket, buffer: Buffer, read: (length: number) => void): Socket {
  const callback = (length: number) => {
    read(length)
    return true
  }
  if (accepted instanceof TLSSocket) {
    if (!readsInto(accepted, buffer, callback)) accepted.on('data', (bytes: Buffer) => read(bytes.copy(buffer)))
    return accepted
  }
  const handled = accepted as unknown as Handled
  const handle = handled._handle
  handled._handle = null
  // `handle` and `onread` are options of the constructor, the one of them undocumented, the other documented for `connect`.
  const options = { handle, allowHalfOpen: true, onread: { buffer, callback }, ...tightWrites }
  return new Socket(options as unknown as ConstructorParameters<typeof Socket>[0])
}

/**
 * What `onread` would have done when the socket was made. node:tls makes the sockets of its servers without that option.
 *
 * @returns false where this version of Node does it otherwise, or something was read already: nothing is changed then
 */
function readsInto(socket: TLSSocket, buffer: Buffer, callback: (length: number) => boolean): boolean {
  const { _handle: handle } = socket as unknown as Handled
  const own = socket as unknown as Record<symbol, unknown>
  if (!(bufferKey in own && callbackKey in own)) return false
  if (handle === null || typeof handle.useUserBuffer !== 'function' || socket.readableLength > 0) return false
  own[bufferKey] = buffer
  own[callbackKey] = callback
  handle.useUserBuffer(buffer)
  return true
}

/**
 * The connection is closed: what hangs on its socket goes. A TLS socket stays until the whole heap is collected, since node:tls
 * gives every connection a property whose accessors, and with them the socket, are part of an object's hidden class.
 */
export function letGo(socket: Socket): void {
  if (!(socket instanceof TLSSocket)) return
  socket.removeAllListeners()
  const own = socket as unknown as Record<symbol, unknown>
  if (callbackKey in own) own[callbackKey] = null
}
