import { createServer, type Server } from 'node:net'
import type { Engine } from '../listener.ts'
import { DownstreamConnection } from './downstream.ts'
import { h1Forwarder } from './forward.ts'

/** `engine: fast`: HTTP/1.1 read and written by ourselves, on bare sockets. */
export const fastEngine: Engine = {
  forwarder: h1Forwarder,
  serve: (listener) => ({
    server: createAcceptor(),
    another: createAcceptor,
    connect: (socket, identity, firstHeadMs) => new DownstreamConnection(listener, socket, identity, firstHeadMs),
    reconfigured: () => {},
  }),
}

function createAcceptor(): Server {
  return createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
}
