import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EventEmitter, once } from 'node:events'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'

/** What this process asks a port by node:http (fetch, by which tests drive a registry, is not counted). */
export interface HttpTraffic {
  /** Of every request so far, without the query. */
  readonly paths: readonly string[]
  readonly openSockets: number
  /** Resolves when no more than that many sockets are open. */
  untilOpenSockets(max: number): Promise<void>
  stop(): void
}

export function observeHttp(port: number): HttpTraffic {
  const paths: string[] = []
  const sockets = new Set<Socket>()
  const closings = new EventEmitter()
  const onStart = (message: unknown) => {
    const { request } = message as { request: ClientRequest }
    if (request.getHeader('host') !== `127.0.0.1:${port}`) return
    paths.push(request.path.replace(/\?.*/, ''))
    request.once('socket', (socket) => {
      if (sockets.has(socket)) return
      sockets.add(socket)
      socket.once('close', () => {
        sockets.delete(socket)
        closings.emit('close')
      })
    })
  }
  subscribe('http.client.request.created', onStart)
  return {
    paths,
    get openSockets() {
      return sockets.size
    },
    untilOpenSockets: async (max) => {
      while (sockets.size > max) await once(closings, 'close')
    },
    stop: () => unsubscribe('http.client.request.created', onStart),
  }
}
