import type { Instance } from '../core/instance.ts'
import type { Listing } from './listing.ts'

/**
 * `source/node/instance@host:port`, the identity by which an endpoint lives on over answers, restarts of the registry and
 * reloads. Nothing in it is escaped: it is compared and shown, never taken apart; URLs carry it percent-encoded.
 */
export function endpointId(source: string, instance: Instance): string {
  return `${source}/${instance.node}/${instance.id}@${addressOf(instance)}`
}

/** `host:port`, an IPv6 address in brackets. */
export function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * Instances by identity. Two entries of one identity are one endpoint: the last wins, and its id is in `duplicates`.
 *
 * @param before what that source said last: an instance that it lists again keeps its id's text, which is in the old generation already
 */
export function byIdentity(
  source: string,
  instances: readonly Instance[],
  before: Listing,
): { listed: Map<string, Instance>; duplicates: string[] } {
  const listed = new Map<string, Instance>()
  const duplicates: string[] = []
  const known = new Map<Instance, string>()
  for (const [id, { instance }] of before) known.set(instance, id)
  for (const instance of instances) {
    const id = known.get(instance) ?? endpointId(source, instance)
    if (listed.has(id)) duplicates.push(id)
    listed.set(id, instance)
  }
  return { listed, duplicates }
}
