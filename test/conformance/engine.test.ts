import { describe, test } from 'vitest'
import type { EngineName } from '../../src/core/snapshot.ts'
import { Authority } from '../support/certificates.ts'
import { useFlow } from '../support/flow.ts'
import { listenerTls } from '../support/listener-tls.ts'
import { engines } from '../support/over-engines.ts'
import { bodyCases } from './engine/bodies.ts'
import type { EngineCase, EngineStage } from './engine/case.ts'
import { connectionCases } from './engine/connections.ts'
import { forwardingCases } from './engine/forwarding.ts'
import { outcomeCases } from './engine/outcomes.ts'
import { isKnownDifference } from './engine/differences.ts'

const cases: readonly EngineCase[] = [...forwardingCases, ...bodyCases, ...connectionCases, ...outcomeCases]
const flow = useFlow()

const authority = Authority.create('conformance')
const tls = listenerTls([authority.issue({ names: ['edge.test'] })])
const endpoint = authority.issue({ names: ['127.0.0.1'] })
const upstreamTls = { ca: authority.cert, servername: null, keyPair: null, verify: true }

/** What clients, and endpoints, speak below HTTP. */
const transports: Readonly<Record<string, (engine: EngineName) => EngineStage>> = {
  'plain text': (engine) => ({
    proto: 'http',
    flow,
    start: (options) => flow.engine({ ...options, listener: { ...options.listener, engine } }),
  }),
  TLS: (engine) => ({
    proto: 'https',
    flow: { ...flow, client: async (to) => (await flow.tlsClient(to, { ca: authority.cert })).client },
    start: (options) => flow.engine({ ...options, listener: { ...options.listener, engine, tls } }),
  }),
  'TLS to endpoints': (engine) => ({
    proto: 'http',
    flow: { ...flow, rawOrigin: (script) => flow.rawOrigin(script, endpoint) },
    start: (options) =>
      flow.engine({
        ...options,
        listener: { ...options.listener, engine },
        service: { ...options.service, tls: upstreamTls },
      }),
  }),
}

describe.each(engines)('engine: %s', (engine) => {
  describe.each(Object.keys(transports))('over %s', (transport) => {
    const stage = (transports[transport] as (typeof transports)[string])(engine)
    for (const { title, run } of cases) {
      // A difference that no longer shows is to be struck off the list.
      const check = isKnownDifference(engine, title) ? test.fails : test
      check(title, () => run(stage))
    }
  })
})
