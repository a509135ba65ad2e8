import { RegisterError } from './register-error.ts'

/** Where a registry is, as its URL says: `consul://127.0.0.1:8500?token=…`. */
export interface RegistryPlace {
  readonly scheme: string
  /** `host:port` each; empty = where the registry is by default. */
  readonly hosts: readonly string[]
  /** Decoded, with a leading slash; `''` where there is none. */
  readonly path: string
  readonly params: ReadonlyMap<string, string>
}

const pattern = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?$/

/**
 * Reads `SCHEME://[HOST:PORT[,HOST:PORT…]][/PATH][?KEY=VALUE…]`. A URL class would not take several hosts.
 * @throws RegisterError `invalid`
 */
export function parseRegistryUrl(text: string): RegistryPlace {
  const found = pattern.exec(text)
  if (found === null) {
    throw new RegisterError(
      'invalid',
      `${JSON.stringify(text)} is no registry; write one such as "consul://127.0.0.1:8500"`,
    )
  }
  const [, scheme = '', hosts = '', path = '', query = ''] = found
  if (hosts.includes('@')) {
    throw new RegisterError(
      'invalid',
      'a registry URL with a password in it ends up in logs; write `?token=` or `?username=`',
    )
  }
  return {
    scheme,
    hosts: hosts === '' ? [] : hosts.split(','),
    path: decodeURIComponent(path),
    params: new Map(new URLSearchParams(query)),
  }
}

/** @throws RegisterError where the URL has parameters besides these */
export function refuseOtherParams({ scheme, params }: RegistryPlace, known: readonly string[]): void {
  for (const name of params.keys()) {
    if (known.includes(name)) continue
    const list = known.map((one) => `\`${one}\``).join(', ')
    throw new RegisterError('invalid', `a ${scheme}:// registry takes no \`${name}\`; it takes ${list}`)
  }
}
