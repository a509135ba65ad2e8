import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Passes bytes on between clients and a port, until it is told otherwise. */
export interface TcpProxy {
  /** `http://127.0.0.1:41234`. */
  readonly address: string
  readonly port: number
  /** Of clients, that are open. */
  readonly connections: number
  /** From now on nothing comes through and nothing ends: what a router does that has forgotten its connections. */
  fallSilent(): void
  /** Sends every client what the other side has not said. */
  garble(): void
  /** After that many more, connections wait; resolves with the first that does. */
  hold(after: number): Promise<void>
  /** Those that waited go on, and new ones, too. */
  release(): void
  close(): Promise<void>
}

export async function startTcpProxy(port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const clients = new Set<Socket>()
  const waiting: Socket[] = []
  let isSilent = false
  let held: PromiseWithResolvers<void> | null = null
  let isLetThrough = 0

  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }
  const pass = (from: Socket, to: Socket) => {
    from.on('data', (bytes: Buffer) => !isSilent && to.write(bytes))
    from.on('close', () => !isSilent && to.destroy())
  }
  const join = (client: Socket) => {
    const upstream = connect(port, '127.0.0.1')
    track(upstream)
    pass(client, upstream)
    pass(upstream, client)
  }
  const server: Server = createServer((client) => {
    track(client)
    clients.add(client)
    client.on('close', () => clients.delete(client))
    if (held === null || isLetThrough-- > 0) return join(client)
    waiting.push(client)
    held.resolve()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const at = server.address()
  const taken = typeof at === 'object' && at !== null ? at.port : 0
  return {
    address: `http://127.0.0.1:${taken}`,
    port: taken,
    get connections() {
      return clients.size
    },
    fallSilent: () => {
      isSilent = true
    },
    garble: () => {
      for (const client of clients) client.write('nonsense')
    },
    hold: async (after) => {
      isLetThrough = after
      held = Promise.withResolvers()
      return held.promise
    },
    release: () => {
      held = null
      for (const client of waiting.splice(0)) join(client)
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await once(server.close(), 'close')
    },
  }
}
