import type { HealthReport } from '../registration.ts'
import { takesConnections } from '../run/until-port-open.ts'

/** @param address `host:port` */
export async function checkTcp(address: string, timeoutMs: number): Promise<HealthReport> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  if (await takesConnections(host, Number(address.slice(colon + 1)), timeoutMs)) return { status: 'passing', note: '' }
  return { status: 'critical', note: `${address} takes no connections` }
}
