import { z } from 'zod'
import type { JsonFormat } from './contract.ts'
import { firstIssue, meta, text } from './fields.ts'
import { shown, toInstance } from './instance.ts'

const schema = z.object({ version: text, metadata: meta, endpoints: z.array(z.string()).min(1) })

interface Endpoint {
  readonly address: string
  readonly protocol: 'http' | 'grpc'
  readonly isSecure: boolean
}

/**
 * Kratos' ServiceInstance (https://pkg.go.dev/github.com/go-kratos/kratos/v2/registry#ServiceInstance): endpoints are URLs. One of them is taken:
 * HTTP before gRPC, then plain before TLS, then the first. Metadata get its `protocol`, and `isSecure: "true"` where it wants TLS.
 */
export const kratos: JsonFormat = {
  isOne: (value) => 'endpoints' in value && !('nodes' in value),
  read: (value, id) => {
    const parsed = schema.safeParse(value)
    if (!parsed.success) return firstIssue(parsed.error)
    const { version, metadata, endpoints } = parsed.data
    const usable = endpoints.flatMap((url) => parseEndpoint(url) ?? [])
    const [chosen] = usable.toSorted((a, b) => rank(a) - rank(b))
    if (chosen === undefined) return `none of its endpoints is HTTP or gRPC: ${shown(endpoints.join(' '))}`
    const { address, protocol, isSecure } = chosen
    const facts = { protocol, ...(isSecure && { isSecure: 'true' }) }
    const instance = toInstance({ id, address, version, meta: { ...metadata, ...facts } })
    return typeof instance === 'string' ? instance : [instance]
  },
}

/** Newer versions write TLS into the scheme, older ones into the query. */
function parseEndpoint(written: string): Endpoint | null {
  const match = /^(http|grpc)(s?):\/\/([^/?#]+)/.exec(written)
  if (match === null) return null
  const [, protocol, s, address = ''] = match
  const isSecure = s === 's' || /[?&]isSecure=true(?:&|$)/.test(written)
  return { address, protocol: protocol === 'grpc' ? 'grpc' : 'http', isSecure }
}

function rank({ protocol, isSecure }: Endpoint): number {
  return (protocol === 'http' ? 0 : 2) + (isSecure ? 1 : 0)
}
