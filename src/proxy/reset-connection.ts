import type { Socket } from 'node:net'

/**
 * Closes a connection so that the other end sees that it was cut, by a reset. Not while a FIN is on its way: all that was written has
 * left by then, and libuv would refuse the reset, whereupon node:net forgets the connection without closing it.
 */
export function resetConnection(socket: Socket): void {
  const isFinishing = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0
  if (isFinishing) socket.destroy()
  else socket.resetAndDestroy()
}
