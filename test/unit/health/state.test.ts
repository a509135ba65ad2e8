import { describe, expect, it } from 'vitest'
import type { EjectionReason } from '../../../src/core/decision.ts'
import type { PublishedEndpoint } from '../../../src/core/snapshot.ts'
import { stateOf, type EndpointState } from '../../../src/health/state.ts'
import { publishedEndpoint } from '../../support/endpoints.ts'

describe('the state of an endpoint', () => {
  it.each<[Partial<PublishedEndpoint>, EjectionReason | null, EndpointState, string]>([
    [{}, null, 'eligible', 'the registry says passing'],
    [{ registry: 'warning' }, null, 'eligible', 'the registry says warning'],
    [{ registry: 'held' }, null, 'eligible', 'the registry may have forgotten it, and it still answers'],
    [{ registry: 'critical' }, null, 'unhealthy', 'the registry says critical'],
    [{ unhealthy: true }, null, 'unhealthy', 'its health check fails'],
    [{}, 'connect', 'ejected', 'it refused a connection'],
    [{}, 'consecutive', 'ejected', 'too many failures in a row'],
    [{ unhealthy: true }, 'success-rate', 'ejected', 'it fails more often than the others'],
    [{}, 'manual', 'ejected', 'ejected by command'],
    [{ registry: 'absent', draining: true }, 'connect', 'draining', 'the registry no longer lists it'],
    [{ registry: 'maintenance', draining: true }, null, 'draining', 'the registry says maintenance'],
    [{ draining: true }, null, 'draining', 'drained by command'],
    [{ weight: 0 }, null, 'draining', 'its weight is 0'],
    [{ registry: 'critical' }, 'connect', 'unhealthy', 'the registry says critical'],
  ])('%o, ejected by %s, is %s: %s', (published, ejection, state, reason) => {
    expect(stateOf(publishedEndpoint(0, published), ejection)).toEqual({ state, reason })
  })
})
