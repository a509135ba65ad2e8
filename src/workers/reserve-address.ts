import { createServer, type AddressInfo } from 'node:net'

/**
 * Opens and closes an address for itself alone: threads that share an address by reusePort would join another process
 * that does the same, instead of finding it taken.
 *
 * @param port 0 for any free one
 * @returns the port
 * @throws the system error (EADDRINUSE, EACCES, EADDRNOTAVAIL …)
 */
export function reserveAddress(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      const { port: opened } = server.address() as AddressInfo
      server.close(() => resolve(opened))
    })
  })
}
