import type { ListenError } from '../core/message.ts'
import { reserveAddress } from './reserve-address.ts'

/** Where a listener is to be; port 0 for any free one. */
export interface ListenerAddress {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** A listener as the data threads open it: with a port in place of a configured 0. */
export type OpenListener<L extends ListenerAddress> = L & { readonly configuredPort: number }

/**
 * Makes sure that a configuration's listeners can be opened: each new address is tried before any thread opens it, so that one
 * that is taken is found out, and a port of 0 becomes one that all threads share. An unchanged listener keeps its port. The
 * port of one that goes (it was renamed, or moved to another host) is not tried: it is ours until the threads, which close
 * before they open, change over.
 *
 * @param open those in force; nothing about them changes
 * @param isLent true for addresses that are listened on by copies of a socket that this process holds
 * @throws Error that says which listener can't be opened, why, and the way out
 */
export async function openListeners<L extends ListenerAddress>(
  wanted: readonly L[],
  open: readonly OpenListener<ListenerAddress>[],
  isLent: (host: string, port: number) => boolean = () => false,
): Promise<OpenListener<L>[]> {
  const gone = open.filter((other) => !wanted.some((listener) => isSame(listener, other)))
  const freed = new Set(gone.map(({ port }) => port))
  const opened: OpenListener<L>[] = []
  for (const listener of wanted) {
    const same = open.find((other) => isSame(listener, other))
    const isOurs = freed.has(listener.port) || isLent(listener.host, listener.port)
    const port = same?.port ?? (isOurs ? listener.port : await reserve(listener))
    opened.push({ ...listener, port, configuredPort: listener.port })
  }
  return opened
}

export function listenMessage({ listener, code, message }: ListenError): string {
  const hint = code === 'EADDRINUSE' ? '; end what listens there, or set another address' : ''
  return `listener ${listener}: ${message}${hint}`
}

function isSame({ name, host, port }: ListenerAddress, other: OpenListener<ListenerAddress>): boolean {
  return other.name === name && other.host === host && other.configuredPort === port
}

async function reserve({ name, host, port }: ListenerAddress): Promise<number> {
  try {
    return await reserveAddress(host, port)
  } catch (error) {
    const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException
    throw new Error(listenMessage({ listener: name, code, message }), { cause: error })
  }
}
