import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** The part of an accepted socket that types leave out: what it owns of the connection. */
interface Handled {
  _handle: unknown
}

/**
 * Takes an accepted connection over into a socket that reads into `buffer` instead of a fresh slab per read. The accepted
 * socket is left empty, so its server neither counts nor closes the connection any more. One that speaks TLS stays: what it
 * has decrypted, into buffers of its own, is put into this one.
 *
 * @param accepted paused since it was accepted (`pauseOnConnect`): it has read nothing
 * @param buffer shared by many sockets: what was read is valid until `read` returns
 */
export function takeOver(accepted: Socket, buffer: Buffer, read: (length: number) => void): Socket {
  if (accepted instanceof TLSSocket) return accepted.on('data', (bytes: Buffer) => read(bytes.copy(buffer)))
  const handled = accepted as unknown as Handled
  const handle = handled._handle
  handled._handle = null
  const onread = {
    buffer,
    callback: (length: number) => {
      read(length)
      return true
    },
  }
  // `handle` and `onread` are options of the constructor, the one of them undocumented, the other documented for `connect`.
  return new Socket({ handle, allowHalfOpen: true, onread } as ConstructorParameters<typeof Socket>[0])
}
