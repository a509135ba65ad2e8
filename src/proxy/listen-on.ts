import type { AddressInfo, Server } from 'node:net'
import type { ListenSocket } from '../core/listen-socket.ts'

const backlog = 4096

/** An address to open. */
export interface OwnAddress {
  readonly host: string
  readonly port: number
  readonly reusePort: boolean
}

/**
 * Listens on a socket that is there already, or opens one.
 *
 * @throws the system error; Error when the socket is not the one that it is said to be: whoever held it closed it meanwhile
 */
export async function listenOn(server: Server, on: ListenSocket | OwnAddress): Promise<AddressInfo> {
  const isGiven = 'fd' in on
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(isGiven ? { fd: on.fd, backlog } : { ...on, backlog }, resolve)
  await promise
  server.removeListener('error', reject)
  const address = server.address() as AddressInfo
  if (!isGiven || address.port === on.port) return address
  server.close()
  throw new Error(`the inherited descriptor ${on.fd} listens on port ${address.port}, not ${on.port}`)
}

/** Node says it nowhere else. */
export function descriptorOf(server: Server): number {
  return (server as Server & { readonly _handle?: { readonly fd: number } | null })._handle?.fd ?? -1
}
