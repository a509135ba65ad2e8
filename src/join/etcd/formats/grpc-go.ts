import type { ValueFormat } from './contract.ts'
import { hostPort } from './host-port.ts'

/**
 * https://pkg.go.dev/go.etcd.io/etcd/client/v3/naming/endpoints: `Op` 0 is Add. Its readers take every value for an endpoint, whatever
 * `Op` says: only a deleted key is none.
 */
export const grpcGo: ValueFormat = {
  prefix: '/micro/services',
  carries: ['meta'],
  write: (registration) => {
    const { meta } = registration
    return JSON.stringify({
      Op: 0,
      Addr: hostPort(registration),
      Metadata: Object.keys(meta).length === 0 ? null : meta,
    })
  },
  writeOut: null,
}
