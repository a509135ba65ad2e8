import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Engine, Listener, ListenerServer } from '../listener.ts'
import { parseRequestHead, RequestHead } from '../h1/request-head.ts'
import { StandardConnection } from './connection.ts'
import { createStandardForwarder } from './forward.ts'
import { requestHeadText } from './head-text.ts'
import { failureOfParseError } from './parse-failure.ts'

/** How often node:http looks for heads that take too long. */
const checkIntervalMs = 1000

/**
 * `engine: standard`: node:http towards clients, http-proxy towards endpoints. Slower, and other people's code: for the day the
 * fast engine is under suspicion, and for Connect-style middlewares. Routes, picks, judges and counts by the same line.
 */
export function standardEngine(): Engine {
  return { forwarder: createStandardForwarder(), serve }
}

function serve(listener: Listener): ListenerServer {
  const connections = new WeakMap<Duplex, StandardConnection>()
  const server = createServer({
    noDelay: true,
    connectionsCheckingInterval: checkIntervalMs,
    // Bodies have idle times only, and Host is judged by our rules.
    requestTimeout: 0,
    requireHostHeader: false,
    shouldUpgradeCallback: (request) => maySwitch(request, listener),
  })
  // A client that sends FIN behind its request still wants its answer.
  Object.assign(server, { httpAllowHalfOpen: true })
  server.maxHeadersCount = 0
  // Connections are spoken on when the listener says so: a TLS handshake may come before.
  const speak = server.listeners('connection')
  server.removeAllListeners('connection')
  configure()

  const onRequest: RequestListener = (request, response) => {
    connections.get(request.socket)?.received(request, response)
  }
  server.on('request', onRequest)
  server.on('checkContinue', onRequest)
  server.on('checkExpectation', onRequest)
  server.on('connect', (request) => connections.get(request.socket)?.receivedUpgrade(request, Buffer.alloc(0)))
  server.on('upgrade', (request, socket, head: Buffer) => connections.get(socket)?.receivedUpgrade(request, head))
  server.on('clientError', (error, socket) => {
    connections.get(socket)?.broken(failureOfParseError(error, listener.settings.limits.headBytes))
  })

  function configure(): void {
    const { timeouts, limits } = listener.settings
    server.headersTimeout = timeouts.headMs
    server.keepAliveTimeout = timeouts.idleMs
    // Counts less than all bytes of a head; the exact limit is checked with the rest.
    Object.assign(server, { maxHeaderSize: limits.headBytes, keepAliveTimeoutBuffer: 0 })
  }

  return {
    server,
    another: () => createTcpServer({ allowHalfOpen: true, noDelay: true }),
    reconfigured: configure,
    connect(socket: Socket, identity, firstHeadMs) {
      for (const listen of speak) listen.call(server, socket)
      const connection = new StandardConnection(listener, socket, identity, firstHeadMs)
      connections.set(socket, connection)
      return connection
    },
  }
}

/** node:http takes bytes behind a request for a tunnel's only if that request may become one. */
function maySwitch(request: IncomingMessage, listener: Listener): boolean {
  const head = new RequestHead()
  const failure = parseRequestHead(requestHeadText(request), listener.settings.limits.headFields, head)
  return failure === null && head.upgrade !== null
}
