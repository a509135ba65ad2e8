import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/**
 * The address of this machine from which the route to `host` leaves; nothing is sent. Null where there is no route, and where it
 * stays on this machine, which says nothing of how others reach it.
 */
export async function hostOnRouteTo(host: string): Promise<string | null> {
  // The registry is where it is by default: on this machine.
  if (host === '') return null
  try {
    const { address, family } = isIP(host) === 0 ? await lookup(host) : { address: host, family: isIP(host) }
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
    try {
      socket.connect(9, address)
      await once(socket, 'connect')
      const own = socket.address().address
      return isLoopback(own) ? null : own
    } finally {
      socket.close()
    }
  } catch {
    return null
  }
}

/** The first address of this machine that is not loopback; IPv4 first. Null on a machine without a network. */
export function firstOuterHost(): string | null {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const outer = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  return (outer.find(({ family }) => family === 'IPv4') ?? outer[0])?.address ?? null
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
