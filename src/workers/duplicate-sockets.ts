import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { keepOutputNonBlocking } from '../util/inherited-output.ts'

/** A listening socket, looked at and copied. */
export interface CopiedSocket {
  /** Null when it is none of TCP. */
  readonly address: { readonly host: string; readonly port: number } | null
  readonly copies: readonly number[]
}

interface Report {
  readonly index: number
  readonly host?: string | null
  readonly port?: number
}

/** What Node hands over for a bare handle. Nothing may close it but the server that listens on its number. */
interface BareHandle {
  readonly fd: number
}

/**
 * Makes more descriptors of listening sockets. Each thread needs a number of its own, since closing a server closes the number
 * for the whole process; and nothing in Node calls dup(2), but passing a descriptor to another process and back does the same. Takes as
 * long as a Node takes to start.
 *
 * @returns one per descriptor, in their order
 * @throws Error when the process that copies fails
 */
export async function duplicateSockets(fds: readonly number[], copies: number): Promise<CopiedSocket[]> {
  if (fds.length === 0) return []
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  const entry = fileURLToPath(new URL(`./socket-duplicator${extension}`, import.meta.url))
  const child = spawn(process.execPath, [entry, String(fds.length), String(copies)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', ...fds],
  })
  keepOutputNonBlocking()
  const addresses = fds.map((): CopiedSocket['address'] | undefined => undefined)
  const made = fds.map((): number[] => [])
  const isDone = () =>
    addresses.every((address, i) => address === null || (address !== undefined && made[i]?.length === copies))
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => {
      // A Node that ends gives stderr the flags that it found.
      keepOutputNonBlocking()
      reject(new Error(`listening sockets could not be copied (code ${code})`))
    })
    child.on('message', ({ index, host, port }: Report, handle: unknown) => {
      if (host === null) addresses[index] = null
      else if (host !== undefined && port !== undefined) addresses[index] = { host, port }
      else made[index]?.push((handle as BareHandle).fd)
      if (isDone()) resolve()
    })
  })
  child.disconnect()
  return addresses.map((address, i) => ({ address: address ?? null, copies: made[i] ?? [] }))
}
