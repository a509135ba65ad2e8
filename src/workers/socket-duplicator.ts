import { Socket } from 'node:net'

/**
 * A process of a moment: tells what each of its descriptors from 4 on listens on, and sends copies of them back. Node can pass a
 * descriptor to another process only, never copy one within its own.
 *
 * Arguments: how many descriptors, how many copies of each.
 */
const firstFd = 4
const [descriptors, copies] = process.argv.slice(2).map(Number) as [number, number]

// Copies go one after the other; without this the process would be done before they are. Its parent ends it.
process.channel?.ref()

for (let index = 0; index < descriptors; index++) {
  const socket = opened(firstFd + index)
  const { localAddress: host, localPort: port } = socket ?? {}
  if (socket === null || host === undefined || port === undefined) {
    process.send?.({ index, host: null })
    continue
  }
  process.send?.({ index, host, port })
  // The bare handle: a server made of it would begin to accept.
  const handle = (socket as Socket & { readonly _handle: Socket })._handle
  for (let i = 0; i < copies; i++) process.send?.({ index }, handle, { keepOpen: true })
}

function opened(fd: number): Socket | null {
  try {
    return new Socket({ fd, readable: false, writable: false })
  } catch {
    // No socket, or not one of TCP.
    return null
  }
}
