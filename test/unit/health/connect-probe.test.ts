import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { probeConnect } from '../../../src/health/connect-probe.ts'

const never = new AbortController().signal

async function listening(): Promise<{ port: number; accepted: Promise<unknown>; close: () => Promise<unknown> }> {
  const server = createServer()
  const accepted = once(server, 'connection')
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    accepted,
    close: () => {
      server.close()
      return once(server, 'close')
    },
  }
}

describe('a connect probe', () => {
  it('finds an open port and closes its connection', async () => {
    const server = await listening()
    expect(await probeConnect('127.0.0.1', server.port, 5000, never)).toBe('accepted')
    await server.accepted
    // Closes only when no connection is left.
    await server.close()
  })

  it('finds a closed port', async () => {
    const server = await listening()
    await server.close()
    expect(await probeConnect('127.0.0.1', server.port, 5000, never)).toBe('refused')
  })

  it('fails for an address that can never be reached', async () => {
    expect(await probeConnect('255.255.255.255', 9, 5000, never)).toBe('failed')
  })

  it('says nothing about the other side when it is aborted', async () => {
    const abort = new AbortController()
    const probe = probeConnect('127.0.0.1', 9, 5000, abort.signal)
    abort.abort()
    expect(await probe).toBe('unknown')
    expect(await probeConnect('127.0.0.1', 9, 5000, abort.signal)).toBe('unknown')
  })
})
