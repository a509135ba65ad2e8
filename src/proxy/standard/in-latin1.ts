import type { Socket } from 'node:net'

/**
 * Runs what makes node:http write a head by itself: ahead of its body, or since it has an `Expect`. It names no encoding for it
 * then, and the default, UTF-8, makes two bytes of each one above 0x7f.
 */
export function inLatin1(socket: Socket, writesHead: () => void): void {
  socket.setDefaultEncoding('latin1')
  try {
    writesHead()
  } finally {
    socket.setDefaultEncoding('utf8')
  }
}
