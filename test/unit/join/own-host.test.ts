import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { firstOuterHost, hostOnRouteTo } from '../../../src/join/own-host.ts'

const outer = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .filter(({ internal }) => !internal)
  .map(({ address }) => address)

describe('the own address', () => {
  it.each(['127.0.0.1', '::1', 'localhost', ''])('is not told by the route to %j, on this machine', async (host) => {
    expect(await hostOnRouteTo(host)).toBeNull()
  })

  it('on the route elsewhere is one of this machine, where there is a route', async () => {
    // TEST-NET-1 (RFC 5737): nobody is there, and nothing is sent.
    const own = await hostOnRouteTo('192.0.2.1')
    expect([null, ...outer]).toContain(own)
    expect([null, ...outer]).toContain(firstOuterHost())
  })
})
