import { once } from 'node:events'
import { createServer, type AddressInfo, type ListenOptions } from 'node:net'

/** What came of the question whether several threads can listen on one address here. `code` is the system's. */
export type PortSharing = { readonly works: true } | { readonly works: false; readonly code: string }

/** Opens a listener. @throws the system error */
export type Open = (options: ListenOptions) => Promise<{ readonly port: number; close(): void }>

/**
 * Tries what data threads do: two listeners on one port of loopback, by `reusePort` (SO_REUSEPORT with balancing: Linux,
 * FreeBSD, DragonFly BSD, Solaris, AIX). Systems without it refuse (ENOTSUP, EINVAL …); any other failure counts as that, since
 * one thread serves where several may not.
 */
export async function probePortSharing(open: Open = openServer): Promise<PortSharing> {
  const options = { host: '127.0.0.1', reusePort: true }
  const opened: { close(): void }[] = []
  try {
    const first = await open({ ...options, port: 0 })
    opened.push(first)
    opened.push(await open({ ...options, port: first.port }))
    return { works: true }
  } catch (error) {
    return { works: false, code: (error as NodeJS.ErrnoException).code ?? 'UNKNOWN' }
  } finally {
    for (const server of opened) server.close()
  }
}

async function openServer(options: ListenOptions): Promise<{ readonly port: number; close(): void }> {
  const server = createServer()
  server.listen(options)
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() }
}
