import type { Endpoint } from '../core/endpoint.ts'
import type { Service } from '../core/service.ts'
import type { Exchange } from './exchange.ts'

/** So often the picker is asked again, that its order holds where few endpoints are full; then any with room will do. */
const maxPicks = 8

/**
 * Picks an endpoint and counts the exchange in flight to it. One that has as many as it may is passed over: a picker never sees that,
 * it is asked again as if that endpoint had been tried.
 *
 * @returns null when there is none, or none with room (see `isFull`)
 */
export function takeEndpoint(x: Exchange, service: Service): Endpoint | null {
  const endpoint = service.pick(x)
  if (endpoint === null) return null
  const limit = service.settings.limits?.requestsPerEndpoint ?? null
  if (limit === null) {
    endpoint.cell.acquire()
    return endpoint
  }
  return endpoint.cell.acquireWithin(limit) ? endpoint : takeAnother(x, service, endpoint, limit)
}

/** True when endpoints may be used, but each one has as much as it may. */
export function isFull(service: Service): boolean {
  const limit = service.settings.limits?.requestsPerEndpoint ?? null
  const { eligible } = service.endpoints
  if (limit === null || eligible.length === 0) return false
  for (const endpoint of eligible) if (endpoint.cell.inflight() < limit) return false
  return true
}

function takeAnother(x: Exchange, service: Service, full: Endpoint, limit: number): Endpoint | null {
  const { tried } = x
  const { passedOver } = x.context
  if (tried !== null) for (const endpoint of tried) passedOver.push(endpoint)
  x.tried = passedOver
  const found = pickPast(x, service, full, limit)
  x.tried = tried
  passedOver.length = 0
  return found === full ? takeAny(x, service, limit) : found
}

/** @returns `full` when the picker was asked often enough */
function pickPast(x: Exchange, service: Service, full: Endpoint, limit: number): Endpoint | null {
  const { passedOver } = x.context
  passedOver.push(full)
  for (let picks = 1; picks < maxPicks; picks++) {
    const endpoint = service.pick(x)
    if (endpoint === null || endpoint.cell.acquireWithin(limit)) return endpoint
    passedOver.push(endpoint)
  }
  return full
}

/** Asking a picker about one full endpoint after the other would take the square of their number. */
function takeAny(x: Exchange, service: Service, limit: number): Endpoint | null {
  const { eligible } = service.endpoints
  let at = Math.floor(x.context.random() * eligible.length)
  for (let i = 0; i < eligible.length; i++) {
    const endpoint = eligible[at] as Endpoint
    if (x.tried?.includes(endpoint) !== true && endpoint.cell.acquireWithin(limit)) return endpoint
    at = at + 1 === eligible.length ? 0 : at + 1
  }
  return null
}
