import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openListeners } from '../../../src/workers/open-listeners.ts'
import { freePorts } from '../../support/free-ports.ts'

function listener(name: string, port: number, host = '127.0.0.1') {
  return { name, host, port }
}

/** A port that something listens on: us, or a stranger. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

describe('openListeners', () => {
  it('puts a port in place of 0, and keeps it as long as the listener is the same', async () => {
    const first = await openListeners([listener('edge', 0)], [])
    expect(first[0]?.port).toBeGreaterThan(0)
    expect(await openListeners([listener('edge', 0)], first)).toEqual(first)
  })

  it('does not take an open listener for one that was asked for at another port', async () => {
    const [free = 0] = await freePorts(1)
    const open = { ...listener('edge', await takenPort()), configuredPort: 0 }
    expect(await openListeners([listener('edge', free)], [open])).toMatchObject([{ port: free, configuredPort: free }])
  })

  it('finds out that an address is taken and says what to do', async () => {
    const taken = await takenPort()
    await expect(openListeners([listener('edge', taken)], [])).rejects.toThrow(
      `listener edge: listen EADDRINUSE: address already in use 127.0.0.1:${taken}; end what listens there, or set another address`,
    )
  })

  it('does not mistake ourselves for a stranger when a listener changes its name or its host', async () => {
    const port = await takenPort()
    const open = { ...listener('edge', port), configuredPort: port }
    expect(await openListeners([listener('front', port)], [open])).toMatchObject([{ name: 'front', port }])
    expect(await openListeners([listener('edge', port, '0.0.0.0')], [open])).toMatchObject([{ host: '0.0.0.0', port }])
  })

  it('tries an address beside a listener that stays', async () => {
    const port = await takenPort()
    const open = { ...listener('edge', port), configuredPort: port }
    await expect(openListeners([listener('edge', port), listener('all', port, '0.0.0.0')], [open])).rejects.toThrow(
      'listener all: listen EADDRINUSE',
    )
  })
})
