/** What Kratos calls what it serves, by what suits a gateway best: HTTP/1.1 first. */
const schemes = ['http', 'https', 'grpc', 'grpcs'] as const

export interface KratosAddress {
  readonly address: string
  readonly port: number
  /** Null for HTTP/1.1. */
  readonly protocol: 'grpc' | null
}

/**
 * Kratos (`contrib/registry/consul/client.go`) tags each address with its scheme and writes a whole URL in place of the address:
 * `{ "grpc": { "Address": "grpc://10.0.0.5:9000", "Port": 9000 } }`. The instance's own address is its first one, whatever is
 * spoken there.
 *
 * @returns null when none is written so
 */
export function readKratosAddress(
  tagged: Readonly<Record<string, { readonly Address: string } | null>>,
): KratosAddress | null {
  for (const scheme of schemes) {
    const text = Object.hasOwn(tagged, scheme) ? tagged[scheme]?.Address : undefined
    if (text === undefined || !text.startsWith(`${scheme}://`)) continue
    // As a scheme whose default port the parser does not know.
    const url = URL.canParse(`x${text}`) ? new URL(`x${text}`) : null
    if (url === null || url.hostname === '' || url.port === '') continue
    return { address: url.hostname, port: Number(url.port), protocol: scheme.startsWith('grpc') ? 'grpc' : null }
  }
  return null
}
