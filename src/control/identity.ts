import type { Instance } from '../core/instance.ts'

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

/** Instances by identity. Two entries of one identity are one endpoint: the last wins, and its id is in `duplicates`. */
export function byIdentity(
  source: string,
  instances: readonly Instance[],
): { listed: Map<string, Instance>; duplicates: string[] } {
  const listed = new Map<string, Instance>()
  const duplicates: string[] = []
  for (const instance of instances) {
    const id = endpointId(source, instance)
    if (listed.has(id)) duplicates.push(id)
    listed.set(id, instance)
  }
  return { listed, duplicates }
}
