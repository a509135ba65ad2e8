import { once } from 'node:events'
import { createServer } from 'node:net'

/** Loopback TCP ports that were free a moment ago, all different; another process may still take one. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(async (server) => once(server, 'listening')))
  const addresses = servers.map((server) => server.address())
  await Promise.all(servers.map(async (server) => once(server.close(), 'close')))
  return addresses.map((address) => (address !== null && typeof address === 'object' ? address.port : 0))
}
