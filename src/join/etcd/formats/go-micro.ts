import type { ValueFormat } from './contract.ts'
import { hostPort } from './host-port.ts'

/** https://pkg.go.dev/go-micro.dev/v5/registry#Service, with one node in each value. Readers ask for keys without slashes of the service's. */
export const goMicro: ValueFormat = {
  prefix: '/micro/registry',
  carries: ['meta'],
  write: (registration) => {
    const { name, id, meta } = registration
    return JSON.stringify({
      name,
      version: meta.version ?? '',
      metadata: null,
      endpoints: [],
      nodes: [{ metadata: meta, id, address: hostPort(registration) }],
    })
  },
  writeOut: null,
  serviceInKey: (service) => service.replaceAll('/', '-'),
}
