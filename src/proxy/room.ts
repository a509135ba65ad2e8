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

/** Why there was none for a first attempt: true when endpoints may be used, but each one has as much as it may. */
export function isFull({ settings, endpoints }: Service): boolean {
  return settings.limits !== null && settings.limits.requestsPerEndpoint !== null && endpoints.eligible.length > 0
}

function takeAnother(x: Exchange, service: Service, full: Endpoint, limit: number): Endpoint | null {
  const { tried } = x
  const { passedOver } = x.context
  if (tried !== null) for (const endpoint of tried) passedOver.push(endpoint)
  x.tried = passedOver
  const found = pickPast(x, service, full, limit)
  x.tried = tried
  passedOver.length = 0
  return found === full ? takeAny(x, service, full, limit) : found
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

/** Asking a picker about one full endpoint after the other would take more than the square of their number. */
function takeAny(x: Exchange, service: Service, full: Endpoint, limit: number): Endpoint | null {
  const { eligible } = service.endpoints
  let at = Math.floor(x.context.random() * eligible.length)
  for (let i = 0; i < eligible.length; i++) {
    const endpoint = eligible[at] as Endpoint
    // Balancers leave out those of weight 0, unless all are.
    const takesPart = endpoint.weight > 0 === full.weight > 0 && x.tried?.includes(endpoint) !== true
    if (takesPart && endpoint.cell.acquireWithin(limit)) return endpoint
    at = at + 1 === eligible.length ? 0 : at + 1
  }
  return null
}
