import { Agent, type AgentOptions, type ServerResponse } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import { createProxyServer } from 'http-proxy'
import type { Endpoint } from '../../core/endpoint.ts'
import type { ClientTlsSettings } from '../../core/snapshot.ts'
import type { Forwarder } from '../context.ts'
import type { Exchange } from '../exchange.ts'
import { UpstreamTls } from '../tls/upstream-tls.ts'
import { StandardAttempt } from './attempt.ts'
import type { AttemptRequest } from './attempt-request.ts'

/** How long a kept connection may wait for its next exchange; less where the endpoint announces less. */
const idleMs = 4000

/** http-proxy looks after an answer of its own here. The exchange writes the answer, so there is nothing to look after. */
const noAnswer = { on() {}, headersSent: false, finished: false } as unknown as ServerResponse

/** Sends attempts through http-proxy, on kept connections where there are any. */
export function createStandardForwarder(): Forwarder {
  /** An endpoint that is gone takes its agent with it; idle connections end by their timeout. */
  const agents = new WeakMap<Endpoint, KeptAgent>()
  const proxy = createProxyServer({ toProxy: true, selfHandleResponse: true })
  proxy.on('proxyReq', (outgoing, request, _response, _options, socket) => {
    attemptOf(request).begin(outgoing, socket)
  })
  proxy.on('proxyRes', (incoming, request) => attemptOf(request).answered(incoming))

  /** With its connections: others are not used for other TLS settings. */
  function agentOf(endpoint: Endpoint, tls: UpstreamTls | null): Agent {
    const name = tls?.name ?? ''
    const settings = tls?.settings ?? null
    const kept = agents.get(endpoint)
    if (kept !== undefined && kept.settings === settings && kept.name === name) return kept.agent
    const agent = makeAgent(tls, { keepAlive: true, timeout: idleMs, scheduling: 'lifo' })
    agents.set(endpoint, { agent, settings, name })
    return agent
  }

  return {
    forward(x: Exchange, endpoint: Endpoint): void {
      const attempt = new StandardAttempt(x, endpoint)
      x.upstream = attempt
      const { host, port } = endpoint
      const settings = x.route?.service.settings.tls ?? null
      const tls = settings === null ? null : new UpstreamTls(settings, x.context.upstreamContexts, endpoint)
      const protocol = tls === null ? 'http:' : 'https:'
      proxy.web(
        attempt.request.asIncomingMessage(),
        noAnswer,
        // A further attempt is on a connection of its own, lest it meets another kept one that its endpoint has closed.
        { target: { protocol, host, port }, agent: x.attempts === 1 ? agentOf(endpoint, tls) : singleUseAgent(tls) },
        (error) => attempt.failed(error),
      )
    },
  }
}

interface KeptAgent {
  readonly agent: Agent
  readonly settings: ClientTlsSettings | null
  /** What certificates have to be for. */
  readonly name: string
}

function makeAgent(tls: UpstreamTls | null, options: AgentOptions): Agent {
  return tls === null ? new Agent(options) : new SecureAgent({ ...options, ...tls.options(tls.name) })
}

/** For one connection; false is http-proxy's word for node:http's own. */
function singleUseAgent(tls: UpstreamTls | null): Agent | false {
  return tls === null ? false : makeAgent(tls, {})
}

function attemptOf(request: unknown): StandardAttempt {
  return (request as AttemptRequest).attempt
}
