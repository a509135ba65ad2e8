import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { constants } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cases, type Load } from '../../../bench/macro/cases.ts'
import { type Certificate, makeCertificate } from '../../../bench/macro/certificates.ts'
import type { LoadResult } from '../../../bench/macro/generators/contract.ts'
import { generators } from '../../../bench/macro/generators/index.ts'
import { readAllowedCpus, planThreads } from '../../../bench/macro/cpus.ts'

function expectWhole({ requests, p50Micros, p99Micros, failures }: LoadResult): void {
  expect(requests).toBeGreaterThan(0)
  expect(p99Micros).toBeGreaterThanOrEqual(p50Micros)
  expect(failures).toEqual({ connect: 0, read: 0, write: 0, timeout: 0, status: 0 })
}

describe('the client of handshakes', () => {
  let directory = ''
  let certificate: Certificate
  let server: Server
  /** Of each connection that asked for something, whether it resumed a session. */
  let resumed: boolean[] = []

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidegate-handshakes-'))
    certificate = makeCertificate('ecdsa', directory)
    resumed = []
  })
  afterEach(async () => {
    server.close()
    await once(server, 'close')
    rmSync(directory, { recursive: true })
  })

  /** Loads a server that answers `status` for a second. */
  async function load(sending: Load['sending'], { status = 200, secureOptions = 0 } = {}): Promise<LoadResult> {
    const [key, cert] = [readFileSync(certificate.key), readFileSync(certificate.cert)]
    server = createServer({ key, cert, secureOptions }, (request, response) => {
      resumed.push((request.socket as TLSSocket).isSessionReused())
      response.writeHead(status).end('text')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const run = {
      url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      load: { ...cases['tls-resume'].load, connections: 4 },
      seconds: 1,
      rate: null,
      certificate: certificate.cert,
      cpus: planThreads(readAllowedCpus(), 1),
      signal: new AbortController().signal,
    }
    return generators[sending].run(run)
  }

  it('makes a new session for each request', async () => {
    const result = await load('new-sessions')
    expectWhole(result)
    expect(resumed).toEqual(Array.from({ length: result.requests }, () => false))
  })

  it('resumes a session with each request but the first of each of its connections, which does not count', async () => {
    const result = await load('resumed-sessions')
    expectWhole(result)
    expect(resumed.filter(Boolean)).toHaveLength(result.requests)
    expect(resumed.filter((isResumed) => !isResumed)).toHaveLength(4)
  })

  it('counts answers that are not 200', async () => {
    const { failures } = await load('new-sessions', { status: 503 })
    expect(failures.status).toBe(resumed.length)
  })

  it('gives up where a session is not what was asked for', async () => {
    const withoutTickets = load('resumed-sessions', { secureOptions: constants.SSL_OP_NO_TICKET })
    await expect(withoutTickets).rejects.toThrow('a session is not resumed')
  })
})
