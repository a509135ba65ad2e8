import type { Socket } from 'node:net'
import type { Mood } from './message.ts'

const head = 'HTTP/1.1 200 OK\r\n'

/** Answers as `mood` says, in raw bytes. @returns false when the answer is to be a good one */
export function misbehave(mood: Mood, id: string, socket: Socket): boolean {
  switch (mood) {
    case 'reset':
      socket.resetAndDestroy()
      return true
    case 'reset-mid-head':
      writeAndReset(socket, `${head}content-len`)
      return true
    case 'reset-mid-body':
      writeAndReset(socket, `${head}content-length: ${id.length}\r\n\r\n${id.slice(0, 4)}`)
      return true
    case 'half-open':
      return true
    case 'garbage':
      socket.write('\u0000\u0001 this is no HTTP at all \r\n\r\n', 'latin1')
      return true
    case 'endless-head':
      socket.write(head)
      writeWithoutEnd(socket)
      return true
    case 'length-too-long':
      socket.end(`${head}content-length: ${id.length + 10}\r\n\r\n${id}`)
      return true
    case 'length-too-short':
      socket.write(`${head}content-length: 4\r\n\r\n${id}`)
      return true
    default:
      return false
  }
}

/** The bytes leave first: a reset throws away what was not sent yet. */
function writeAndReset(socket: Socket, text: string): void {
  socket.write(text, () => socket.resetAndDestroy())
}

function writeWithoutEnd(socket: Socket): void {
  let line = 0
  const more = () => {
    while (!socket.destroyed && socket.write(`x-field-${line++}: and another one\r\n`));
  }
  socket.on('drain', more).on('error', () => {})
  more()
}
