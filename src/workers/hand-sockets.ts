import type { HandedSocket, ListenSocket } from '../core/listen-socket.ts'
import type { LentSockets } from './lent-sockets.ts'
import type { ListenerAddress, OpenListener } from './open-listeners.ts'

export interface OwnSockets {
  /** What the threads listen on, copies of lent sockets included. */
  readonly listening: readonly ListenSocket[]
  readonly lent: LentSockets
  readonly open: readonly OpenListener<ListenerAddress>[]
  readonly reusePort: boolean
}

/** The sockets of listeners, each once, as a successor is told of them. */
export function handedSockets({ listening, lent, open, reusePort }: OwnSockets): HandedSocket[] {
  const handed = (socket: ListenSocket, how: Pick<HandedSocket, 'isLent' | 'reusePort'>): HandedSocket => {
    const listener = open.find(({ name }) => name === socket.listener)
    const configuredPort = listener?.configuredPort ?? socket.port
    return { ...socket, configuredPort, isAdmin: false, ...how }
  }
  return [
    ...lent.originals().map(({ socket, isLent }) => handed(socket, { isLent, reusePort: false })),
    ...listening
      .filter(({ host, port }) => !lent.holds(host, port))
      .map((socket) => handed(socket, { isLent: false, reusePort })),
  ]
}

/** The socket of the admin server. */
export function handedAdmin(
  { fd, port }: { readonly fd: number; readonly port: number },
  configured: { readonly host: string; readonly port: number },
): HandedSocket {
  const { host, port: configuredPort } = configured
  return { fd, listener: 'admin', host, port, configuredPort, isAdmin: true, reusePort: false, isLent: false }
}
