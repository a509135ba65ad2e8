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
  // Where no limit is in force, nobody has a place.
  if (x.admission === null) {
    endpoint.cell.acquire()
    return endpoint
  }
  return acquire(endpoint, service) ? endpoint : takeAnother(x, service, endpoint)
}

/** @returns false when the endpoint has as much as it may */
function acquire(endpoint: Endpoint, service: Service): boolean {
  const limit = limitOf(endpoint, service)
  if (limit !== Infinity) return endpoint.cell.acquireWithin(limit)
  endpoint.cell.acquire()
  return true
}

/** How much an endpoint may have. */
function limitOf({ weight }: Endpoint, { settings, cell }: Service): number {
  const set = settings.limits?.requestsPerEndpoint ?? Infinity
  return hasFoundShares(settings, cell) ? Math.min(set, cell.foundPerEndpoint(weight) ?? Infinity) : set
}

/** A limit was found that endpoints share by their weight. */
function hasFoundShares({ limits }: Service['settings'], cell: Service['cell']): boolean {
  return limits !== null && limits.findsRequests && cell.foundRequests() !== 0
}

/** Why there was none for a first attempt: true when endpoints may be used, but each one has as much as it may. */
export function isFull(service: Service): boolean {
  const { settings, cell } = service
  if (settings.limits === null || service.endpoints().eligible.length === 0) return false
  return settings.limits.requestsPerEndpoint !== null || hasFoundShares(settings, cell)
}

/** Why there was none for a retry: true when there are endpoints that were not tried, but each one has as much as it may. */
export function hasOnlyFull(x: Exchange, service: Service): boolean {
  return isFull(service) && x.attempts > 0 && hasUntried(x, service, null)
}

/**
 * Whether an endpoint is left for a retry. Endpoints that were tried may have been ejected for it: the numbers say nothing.
 *
 * @param current is not among the tried ones yet; then one that is full is none either: there is an answer in hand to give instead
 */
export function hasUntried(x: Exchange, service: Service, current: Endpoint | null): boolean {
  const mayBeFull = current === null || x.admission === null
  for (const endpoint of service.endpoints().eligible) {
    if (endpoint === current || (x.endpoint !== null && !takesPart(endpoint, x.endpoint))) continue
    if (!mayBeFull && endpoint.cell.inflight() >= limitOf(endpoint, service)) continue
    if (x.tried === null || !x.tried.includes(endpoint)) return true
  }
  return false
}

/** Balancers leave out those of weight 0, unless all are. @param other takes part */
function takesPart(endpoint: Endpoint, other: Endpoint): boolean {
  return endpoint.weight > 0 === other.weight > 0
}

function takeAnother(x: Exchange, service: Service, full: Endpoint): Endpoint | null {
  const { tried } = x
  const { passedOver } = x.context
  if (tried !== null) for (const endpoint of tried) passedOver.push(endpoint)
  x.tried = passedOver
  const found = pickPast(x, service, full)
  x.tried = tried
  passedOver.length = 0
  return found === full ? takeAny(x, service, full) : found
}

/** @returns `full` when the picker was asked often enough */
function pickPast(x: Exchange, service: Service, full: Endpoint): Endpoint | null {
  const { passedOver } = x.context
  passedOver.push(full)
  for (let picks = 1; picks < maxPicks; picks++) {
    const endpoint = service.pick(x)
    if (endpoint === null || acquire(endpoint, service)) return endpoint
    passedOver.push(endpoint)
  }
  return full
}

/** Asking a picker about one full endpoint after the other would take more than the square of their number. */
function takeAny(x: Exchange, service: Service, full: Endpoint): Endpoint | null {
  const { eligible } = service.endpoints()
  let at = Math.floor(x.context.random() * eligible.length)
  for (let i = 0; i < eligible.length; i++) {
    const endpoint = eligible[at] as Endpoint
    if (takesPart(endpoint, full) && x.tried?.includes(endpoint) !== true && acquire(endpoint, service)) return endpoint
    at = at + 1 === eligible.length ? 0 : at + 1
  }
  return null
}
