import { describe, expect, it, test } from 'vitest'
import type { EngineName, HashKey } from '../../src/core/snapshot.ts'
import { useFlow } from '../support/flow.ts'
import { header } from '../support/http-message.ts'
import { exchangeRaw } from '../support/raw-client.ts'
import { answer, type RecordingOrigin, type Script } from '../support/recording-origin.ts'

const flow = useFlow()

async function origins(count: number): Promise<RecordingOrigin[]> {
  return Promise.all(Array.from({ length: count }, async (_, index) => flow.rawOrigin(() => answer(`origin-${index}`))))
}

/** One origin, and what is measured of it. */
async function measured(engine: EngineName, script: Script, { balancer = 'peak-ewma', headTimeoutMs = 15_000 } = {}) {
  const origin = await flow.rawOrigin(script)
  const running = await flow.engine({
    origins: [origin],
    listener: { engine },
    route: { retry: { attempts: 0 } },
    service: { balancer, headTimeoutMs },
  })
  const peakMs = () => running.ledger.endpoint(running.slot(origin.port), -1).peakUs() / 1000
  return { origin, running, peakMs }
}

describe.each<EngineName>(['fast', 'standard'])('the %s engine', (engine) => {
  describe('before consistent-hash', () => {
    const asks: [string, HashKey, (key: string, i: number) => string][] = [
      ['path', { on: 'path' }, (key, i) => `GET /${key}?n=${i} HTTP/1.1\r\nhost: a\r\n`],
      ['header', { on: 'header', name: 'x-user' }, (key, i) => `GET /${i} HTTP/1.1\r\nhost: a\r\nX-User: ${key}\r\n`],
      [
        'cookie',
        { on: 'cookie', name: 'sid' },
        (key, i) => `GET /${i} HTTP/1.1\r\nhost: a\r\ncookie: n=${i}; sid=${key}\r\n`,
      ],
      [
        'client',
        { on: 'client' },
        (key, i) => `GET /${i} HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 203.0.113.${key.slice(1)}\r\n`,
      ],
    ]

    it.each(asks)('sends requests of one %s to one endpoint, and others elsewhere', async (_what, hash, request) => {
      const { port } = await flow.engine({
        origins: await origins(4),
        listener: { engine, trustedProxies: ['127.0.0.1'] },
        service: { balancer: 'consistent-hash', hash },
      })
      const owners = new Set<string>()
      for (let key = 0; key < 12; key++) {
        const bodies = new Set<string>()
        for (let i = 0; i < 4; i++) bodies.add((await exchangeRaw(port, `${request(`k${key}`, i)}\r\n`)).body)
        expect([...bodies]).toHaveLength(1)
        for (const body of bodies) owners.add(body)
      }
      expect(owners.size).toBeGreaterThan(1)
    })

    it('retries at the next endpoint of the key', async () => {
      const all = await origins(3)
      const { port } = await flow.engine({
        origins: all,
        listener: { engine },
        service: { balancer: 'consistent-hash', hash: { on: 'path' } },
      })
      const ask = async () => exchangeRaw(port, 'GET /k HTTP/1.1\r\nhost: a\r\n\r\n')
      const first = all[Number((await ask()).body.slice(-1))] as RecordingOrigin
      first.script = ({ connection }) => void connection.socket.resetAndDestroy()
      const next = await ask()
      expect(next.status).toBe(200)
      // The failure does not eject: the key comes to its first endpoint again, fails there, and goes to the same second.
      expect((await ask()).body).toBe(next.body)
    })
  })

  describe('before peak-ewma', () => {
    const get = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

    test('an answer is measured, in the memory that all threads share', async () => {
      const { running, peakMs } = await measured(engine, () => answer('well'))
      expect((await exchangeRaw(running.port, get)).status).toBe(200)
      await running.settledAt(1)
      expect(peakMs()).toBeGreaterThan(0)
      // What a failure counts for.
      expect(peakMs()).not.toBe(1000)
    })

    test.each<[string, Script]>([
      ['an answer of 500', () => answer('', '500 Internal Server Error')],
      ['a reset', ({ connection }) => void connection.socket.resetAndDestroy()],
      ['something that is not HTTP', () => 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
      ['silence', () => {}],
    ])('%s counts for a second, however fast it was', async (_what, script) => {
      const { running, peakMs } = await measured(engine, script, { headTimeoutMs: 100 })
      expect((await exchangeRaw(running.port, get)).status).toBeGreaterThanOrEqual(500)
      await running.settledAt(1)
      expect(peakMs()).toBe(1000)
    })

    test('an answer that is dropped for another one counts for a second', async () => {
      const all = await Promise.all([0, 1].map(() => flow.rawOrigin(() => answer('', '503 Service Unavailable'))))
      const running = await flow.engine({
        origins: all,
        listener: { engine },
        route: { retry: { attempts: 1, statuses: [503] } },
        service: { balancer: 'peak-ewma' },
      })
      expect((await exchangeRaw(running.port, get)).status).toBe(503)
      expect((await running.settledAt(1)).attempts).toBe(2)
      const cells = all.map(({ port }) => running.ledger.endpoint(running.slot(port), -1))
      expect(cells.map((cell) => cell.peakUs() / 1000)).toEqual([1000, 1000])
    })

    test('what a client waited in vain is measured when it leaves', async () => {
      const { origin, running, peakMs } = await measured(engine, () => {})
      const client = await flow.client(running)
      client.send(get)
      await origin.requestAt(1)
      client.reset()
      await running.settledAt(1)
      expect(peakMs()).toBeGreaterThan(0)
      // What a failure counts for.
      expect(peakMs()).not.toBe(1000)
    })

    test('nothing is measured for a balancer that does not ask', async () => {
      const { running, peakMs } = await measured(engine, () => answer('well'), { balancer: 'least-request' })
      expect(header(await exchangeRaw(running.port, get), 'content-length')).toBe('4')
      await running.settledAt(1)
      expect(peakMs()).toBe(0)
    })
  })

  describe('with slow starts in the Ledger', () => {
    it('sends an endpoint that begins a tenth of what the others get', async () => {
      const all = await origins(2)
      const running = await flow.engine({ origins: all, listener: { engine } })
      const cold = all[1] as RecordingOrigin
      running.ledger.endpoint(running.slot(cold.port), -1).setColdPercent(90)
      running.ledger.service(0).bumpEpoch()
      const client = await flow.client(running)
      for (let i = 0; i < 44; i++) await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n').response()
      expect(cold.requests.length).toBe(4)
    })
  })
})
