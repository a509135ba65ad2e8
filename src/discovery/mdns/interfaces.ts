import { BlockList } from 'node:net'
import { networkInterfaces } from 'node:os'

/** An IPv4 address of this machine, and the addresses that are on its wire. */
export interface Interface {
  readonly name: string
  readonly address: string
  /** `192.0.2.2/24`. */
  readonly cidr: string
}

/** The first IPv4 address of every interface that is up and running, the loopback interface included. */
export function readInterfaces(): readonly Interface[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) => {
    const first = addresses?.find(({ family, cidr }) => family === 'IPv4' && cidr !== null)
    return first?.cidr ? [{ name, address: first.address, cidr: first.cidr }] : []
  })
}

/** Whether the configuration's list has this one; null = every one. */
export function isChosen({ name, address }: Interface, chosen: readonly string[] | null): boolean {
  return chosen === null || chosen.includes(name) || chosen.includes(address)
}

/** Two of the same name and different addresses are two: what was heard on the old one may not be there any more. */
export function keyOf({ name, address }: Interface): string {
  return `${name} ${address}`
}

/** Which of these interfaces an address is reached through. */
export class Wires {
  readonly #wires: readonly { readonly key: string; readonly address: string; readonly subnet: BlockList }[]

  constructor(interfaces: readonly Interface[]) {
    this.#wires = interfaces.map((each) => {
      const [network = '', bits = ''] = each.cidr.split('/')
      const subnet = new BlockList()
      subnet.addSubnet(network, Number(bits), 'ipv4')
      return { key: keyOf(each), address: each.address, subnet }
    })
  }

  /** The interface's key; null for an address that is not on the local link. */
  of(address: string): string | null {
    return this.#wires.find(({ subnet }) => subnet.check(address, 'ipv4'))?.key ?? null
  }

  /** An address of this machine. */
  isOwn(address: string): boolean {
    return this.#wires.some((wire) => wire.address === address)
  }
}
