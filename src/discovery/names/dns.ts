import { readFile } from 'node:fs/promises'
import { promises } from 'node:dns'

export interface AddressRecord {
  readonly address: string
  /** Seconds. */
  readonly ttl: number
}

/** What the machine knows of names; injected, so that tests need no network. Lookups reject when there is no address. */
export interface Dns {
  /** The names in the hosts file, in lower case. */
  readonly hostsFile: () => Promise<ReadonlySet<string>>
  /** getaddrinfo: hosts file, search domains, mDNS, whatever the system is set up for. */
  readonly lookup: (name: string) => Promise<readonly string[]>
  /** A and AAAA records. */
  readonly resolve4: (name: string) => Promise<readonly AddressRecord[]>
  readonly resolve6: (name: string) => Promise<readonly AddressRecord[]>
}

const hostsFilePath =
  process.platform === 'win32'
    ? `${process.env.SystemRoot ?? 'C:\\Windows'}\\System32\\drivers\\etc\\hosts`
    : '/etc/hosts'
const queryTimeoutMs = 2000
const queryTries = 2

export function systemDns(): Dns {
  const resolver = new promises.Resolver({ timeout: queryTimeoutMs, tries: queryTries })
  return {
    hostsFile: async () => namesInHostsFile(await readFile(hostsFilePath, 'utf8').catch(() => '')),
    lookup: async (name) => {
      const found = await promises.lookup(name, { all: true, order: 'verbatim' })
      return found.map(({ address }) => address)
    },
    resolve4: async (name) => resolver.resolve4(name, { ttl: true }),
    resolve6: async (name) => resolver.resolve6(name, { ttl: true }),
  }
}

/** Lines of `address name name… # comment`, as in hosts(5). */
export function namesInHostsFile(text: string): ReadonlySet<string> {
  const names = text.split('\n').flatMap((line) => {
    const [, ...found] = line.replace(/#.*/, '').trim().split(/\s+/)
    return found
  })
  return new Set(names.map((name) => name.toLowerCase()))
}
