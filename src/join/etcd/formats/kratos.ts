import type { ValueFormat } from './contract.ts'
import { hostPort } from './host-port.ts'

/** https://pkg.go.dev/github.com/go-kratos/kratos/v2/registry#ServiceInstance: gRPC and TLS are said by the endpoint's URL. */
export const kratos: ValueFormat = {
  prefix: '/microservices',
  carries: ['meta'],
  write: (registration) => {
    const { name, id, meta } = registration
    const scheme = meta.protocol === 'grpc' ? 'grpc' : 'http'
    const endpoint = `${scheme}://${hostPort(registration)}?isSecure=${meta.isSecure === 'true'}`
    return JSON.stringify({ id, name, version: meta.version ?? '', metadata: meta, endpoints: [endpoint] })
  },
  writeOut: null,
}
