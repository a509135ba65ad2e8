import { consulLimits, type ConsulLimits, type ConsulOptions } from '../../src/discovery/consul/options.ts'
import { Authority } from './certificates.ts'

/** The options of a source, as far as a test does not say otherwise. */
export function consulOptions(said: Partial<ConsulOptions> & Pick<ConsulOptions, 'address'>): ConsulOptions {
  return {
    name: 'consul',
    type: 'consul',
    token: null,
    datacenter: null,
    datacenters: null,
    routesFromTags: null,
    tls: null,
    ...said,
  }
}

/** Whom tests believe that speak to a registry on loopback by TLS. */
export const loopbackAuthority = Authority.create('registries')
export const loopbackCertificate = loopbackAuthority.issue({ names: ['127.0.0.1', 'localhost'] })
export const trustingTls = { ca: loopbackAuthority.cert, servername: null, keyPair: null, verify: true } as const

const withoutLines = { ...consulLimits.multiplexed, maxLines: 0 }
/** With HTTP/1.1 and with HTTP/2 alike. */
export const ownQueries: ConsulLimits = { ...consulLimits, perServiceBelow: 0, multiplexed: withoutLines }
const soFew = { ...withoutLines, maxConnections: 1, maxStreams: 32, maxFirstReads: 32 }
export const sharedQueries: ConsulLimits = { ...consulLimits, sharedAbove: 0, perServiceBelow: 0, multiplexed: soFew }

/** How a source may read any agent. */
export const readings = [
  { mode: 'a query of its own', limits: ownQueries, isSecure: false },
  { mode: 'shared queries', limits: sharedQueries, isSecure: false },
  { mode: 'a query of its own over HTTP/2', limits: ownQueries, isSecure: true },
  { mode: 'shared queries over HTTP/2', limits: sharedQueries, isSecure: true },
] as const

/** How it may read ours, besides. */
export const lineReadings = [
  { mode: 'a line for each query', limits: consulLimits, isSecure: false },
  { mode: 'a line for each query over HTTP/2', limits: consulLimits, isSecure: true },
] as const
