import type { Socket } from 'node:net'
import { type TimerWheel, WheelTimer } from '../../util/timer-wheel.ts'

/** After the last answer was sent: how long the client may take to finish, and how much of what it sends is still read. */
const lingerMs = 2000
const lingerBytes = 1024 * 1024

/**
 * Half-closes behind the last answer, lets the client finish, then closes: closing at once over unread bytes would send a
 * reset, which can eat the answer (RFC 9112 section 9.6). The caller sees to a client that does not take the answer.
 *
 * @param end half-closes behind what was written
 * @returns to be told of bytes that the socket does not emit as `data`
 */
export function linger(
  socket: Socket,
  wheel: TimerWheel,
  end: () => void = () => void socket.end(),
): (bytes: number) => void {
  const timer = new WheelTimer(() => socket.destroy())
  let discardedBytes = 0
  const discard = (bytes: number) => {
    discardedBytes += bytes
    // Unread bytes hold the client back.
    if (discardedBytes > lingerBytes) socket.pause()
  }
  socket.on('data', (bytes: Buffer) => discard(bytes.length))
  socket.on('finish', () => wheel.arm(timer, lingerMs))
  socket.on('close', () => wheel.remove(timer))
  end()
  socket.resume()
  if (socket.writableFinished) wheel.arm(timer, lingerMs)
  return discard
}
