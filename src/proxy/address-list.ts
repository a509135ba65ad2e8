import { BlockList, isIP, isIPv6 } from 'node:net'

/** Addresses and networks. */
export class AddressList {
  readonly #list: BlockList | null

  /** @param entries addresses or CIDRs, valid */
  constructor(entries: readonly string[]) {
    this.#list = entries.length === 0 ? null : new BlockList()
    for (const entry of entries) {
      const [address = '', bits] = entry.split('/')
      const family = isIPv6(address) ? 'ipv6' : 'ipv4'
      if (bits === undefined) this.#list?.addAddress(address, family)
      else this.#list?.addSubnet(address, Number(bits), family)
    }
  }

  /** False for what is no address. */
  has(address: string): boolean {
    if (this.#list === null) return false
    const family = isIP(address)
    return family !== 0 && this.#list.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}
