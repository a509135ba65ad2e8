import { performance } from 'node:perf_hooks'
import type { ServiceSettings } from '../core/snapshot.ts'
import type { Exchange } from './exchange.ts'

/** Of the service that an exchange goes to, as they are now. */
export function settingsOf(x: Exchange): ServiceSettings {
  if (x.route === null) throw new Error('an exchange without a route has no upstream')
  return x.route.service.settings
}

/** What is left of the time to connect of an attempt that had to wait for its turn. */
export function connectTimeLeftMs(x: Exchange): number {
  return Math.max(0, settingsOf(x).connectTimeoutMs - (performance.now() - x.attemptMs))
}

/** For the response head of one attempt, from the request fully sent; until then its endpoint has `headTimeoutMs` to take more. */
export function perTryOf(x: Exchange): number {
  return x.route?.rule.retry.perTryMs ?? settingsOf(x).headTimeoutMs
}
