import { reserveAddress } from '../workers/reserve-address.ts'

const tries = 100

/** The port, or the next one that is free. @param taken ports that are spoken for though not open yet */
export async function freePort(wanted: number, taken: readonly number[] = []): Promise<number> {
  for (let port = wanted; port < wanted + tries; port++) {
    if (taken.includes(port)) continue
    try {
      return await reserveAddress('127.0.0.1', port)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
  throw new Error(`no port from ${wanted} to ${wanted + tries - 1} is free`)
}
