import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { cases } from '../../../bench/macro/cases.ts'
import { missingCommand } from '../../../bench/macro/competitors/installed.ts'
import { planThreads, readAllowedCpus } from '../../../bench/macro/cpus.ts'
import type { LoadResult } from '../../../bench/macro/generators/contract.ts'
import { generators } from '../../../bench/macro/generators/index.ts'
import { findFreePorts } from '../../../bench/macro/ports.ts'

const perSecond = 1000
const stallMs = 400

/** A second of load at a constant rate, over four connections. */
async function load(listener: RequestListener): Promise<LoadResult> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await loadAt((server.address() as AddressInfo).port)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

async function loadAt(port: number): Promise<LoadResult> {
  return generators['constant-rate'].run({
    url: `http://127.0.0.1:${port}/`,
    load: { ...cases.rate.load, connections: 4 },
    seconds: 1,
    rate: perSecond,
    certificate: null,
    cpus: planThreads(readAllowedCpus(), 1),
    signal: new AbortController().signal,
  })
}

function block(forMs: number): void {
  const endMs = performance.now() + forMs
  while (performance.now() < endMs);
}

// LuaJIT is no part of the checkout: bench/setup.sh installs it.
describe.skipIf(missingCommand('luajit', '-v') !== null)('the load of a constant rate', () => {
  it('sends as many requests as were due, one at a time on a connection', async () => {
    let requests = 0
    const result = await load((_, response) => {
      requests++
      response.end('text')
    })
    expect([result.requests, requests]).toEqual([perSecond, perSecond])
    expect(result.failures).toEqual({ connect: 0, read: 0, write: 0, timeout: 0, status: 0 })
  })

  it('makes a stall count for all who had to wait for it, not only for those who were on their way', async () => {
    let requests = 0
    const { p99Micros } = await load((_, response) => {
      if (++requests === perSecond / 4) block(stallMs)
      response.end('text')
    })
    // Four were on their way. The hundredth part of all was due while it had hardly begun.
    expect(p99Micros).toBeGreaterThan((stallMs - 50) * 1000)
  })

  it('reads answers that come in pieces', async () => {
    const { requests, failures } = await load((_, response) => {
      response.writeHead(200, { 'content-length': '8' }).flushHeaders()
      response.write('half')
      setImmediate(() => response.end('half'))
    })
    expect(requests).toBe(perSecond)
    expect(failures.read).toBe(0)
  })

  it('counts what is answered with a failure, or with nothing', async () => {
    let requests = 0
    const { failures } = await load((_, response) => {
      requests++
      if (requests % 100 === 0) response.destroy()
      else response.writeHead(requests % 10 === 0 ? 503 : 200, { 'content-length': '4' }).end('text')
    })
    expect(failures).toMatchObject({ read: 10, status: 90 })
  })

  it('is refused where nobody listens', async () => {
    const [port] = (await findFreePorts(1)) as [number]
    await expect(loadAt(port)).rejects.toThrow(`no connection to 127.0.0.1:${port}`)
  })
})
