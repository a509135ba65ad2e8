import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

const lowest = 10_000
/** Where the system does not say: the usual begin of the ports that it gives to whoever asks for any. */
const usualHighest = 32_767

/**
 * Loopback ports that nothing listens on, all different, and that stay so while their server is away: they are none of those that the system
 * gives to outgoing connections, and to other tests that listen on any port.
 */
export async function freePorts(count: number): Promise<number[]> {
  const highest = highestOwn()
  const found = new Set<number>()
  while (found.size < count) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (await isFree(port)) found.add(port)
  }
  return [...found]
}

function highestOwn(): number {
  try {
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1')
    return Number(/^\d+/.exec(range)?.[0]) - 1
  } catch {
    return usualHighest
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return false
  }
  await once(server.close(), 'close')
  return true
}
