import type { ServiceSettings } from '../core/snapshot.ts'
import type { Exchange } from './exchange.ts'

/** Of the service that an exchange goes to, as they are now. */
export function settingsOf(x: Exchange): ServiceSettings {
  if (x.route === null) throw new Error('an exchange without a route has no upstream')
  return x.route.service.settings
}

/** For the response head of one attempt, from the request fully sent; until then its endpoint has `headTimeoutMs` to take more. */
export function perTryOf(x: Exchange): number {
  return x.route?.rule.retry.perTryMs ?? settingsOf(x).headTimeoutMs
}
