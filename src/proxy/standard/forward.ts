import { Agent, type ServerResponse } from 'node:http'
import { createProxyServer } from 'http-proxy'
import type { Endpoint } from '../../core/endpoint.ts'
import type { Forwarder } from '../context.ts'
import type { Exchange } from '../exchange.ts'
import { StandardAttempt } from './attempt.ts'
import type { AttemptRequest } from './attempt-request.ts'

/** How long a kept connection may wait for its next exchange; less where the endpoint announces less. */
const idleMs = 4000

/** http-proxy looks after an answer of its own here. The exchange writes the answer, so there is nothing to look after. */
const noAnswer = { on() {}, headersSent: false, finished: false } as unknown as ServerResponse

/** Sends attempts through http-proxy, on kept connections where there are any. */
export function createStandardForwarder(): Forwarder {
  /** An endpoint that is gone takes its agent with it; idle connections end by their timeout. */
  const agents = new WeakMap<Endpoint, Agent>()
  const proxy = createProxyServer({ toProxy: true, selfHandleResponse: true })
  proxy.on('proxyReq', (outgoing, request, _response, _options, socket) => {
    attemptOf(request).begin(outgoing, socket)
  })
  proxy.on('proxyRes', (incoming, request) => attemptOf(request).answered(incoming))

  function agentOf(endpoint: Endpoint): Agent {
    let agent = agents.get(endpoint)
    if (agent === undefined) {
      agent = new Agent({ keepAlive: true, timeout: idleMs, scheduling: 'lifo' })
      agents.set(endpoint, agent)
    }
    return agent
  }

  return {
    forward(x: Exchange, endpoint: Endpoint): void {
      const attempt = new StandardAttempt(x, endpoint)
      x.upstream = attempt
      const { host, port } = endpoint
      proxy.web(
        attempt.request.asIncomingMessage(),
        noAnswer,
        // A further attempt is on a connection of its own, lest it meets another kept one that its endpoint has closed.
        { target: { protocol: 'http:', host, port }, agent: x.attempts === 1 ? agentOf(endpoint) : false },
        (error) => attempt.failed(error),
      )
    },
  }
}

function attemptOf(request: unknown): StandardAttempt {
  return (request as AttemptRequest).attempt
}
