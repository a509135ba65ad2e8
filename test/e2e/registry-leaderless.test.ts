import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRegistry, type Registry } from '../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../support/consul-api.ts'
import { type Consul, startConsul } from '../support/consul.ts'

const web = { Name: 'web', ID: 'w1', Port: 80, Check: { TTL: '10m', Status: 'passing' } }
// In this order: what the agent took without a leader shows nowhere else.
const requests: readonly [method: string, path: string, body?: unknown][] = [
  ['GET', '/v1/status/leader'],
  ...['', '?stale', '?consistent', '?cached'].map(
    (query) => ['GET', `/v1/health/service/web${query}`] as [string, string],
  ),
  ['GET', '/v1/health/service/web?stale&index=1&wait=10ms'],
  ['GET', '/v1/health/state/any'],
  ['GET', '/v1/health/checks/web?stale'],
  ['GET', '/v1/catalog/services'],
  ['GET', '/v1/catalog/services?stale'],
  ['GET', '/v1/catalog/service/web'],
  ['GET', '/v1/catalog/nodes'],
  ['GET', '/v1/catalog/datacenters'],
  ['GET', '/v1/kv/key'],
  ['GET', '/v1/kv/key?stale&raw'],
  ['GET', '/v1/kv/?keys&stale'],
  ['PUT', '/v1/kv/key', 'other'],
  ['DELETE', '/v1/kv/key'],
  ['PUT', '/v1/agent/check/fail/service:w1'],
  ['PUT', '/v1/agent/service/register', { Name: 'late' }],
  ['GET', '/v1/agent/service/late'],
  ['GET', '/v1/health/service/late?stale'],
  ['GET', '/v1/health/service/web?stale&passing'],
  ['PUT', '/v1/agent/service/deregister/w1'],
  ['GET', '/v1/catalog/service/web?stale'],
]

describe('without a leader the embedded registry', () => {
  let consul: Consul
  let registry: Registry
  let ours: ConsulApi
  let dataDirs: string

  beforeAll(async () => {
    dataDirs = await mkdtemp(join(tmpdir(), 'tidegate-leaderless-'))
    // Raft's older protocol gives a server that joins a vote at once; the newer watches it for 10 s.
    const config = { raft_protocol: 2, performance: { raft_multiplier: 1, rpc_hold_timeout: '1ms' } }
    consul = await startConsul({ dataDir: join(dataDirs, 'one'), config })
    const join2 = { lanPort: consul.lanPort, nodeName: 'other' }
    const other = await startConsul({ dataDir: join(dataDirs, 'two'), join: join2, config })
    registry = createRegistry({ port: 0 })
    ours = consulApi((await registry.start()).address)
    for (const api of [ours, consul.api]) {
      await api('PUT', '/v1/kv/key', 'value')
      await api('PUT', '/v1/agent/service/register', web)
      // An agent's cache has what was asked of it before.
      for (let index = '0'; ;) {
        const answer = await api<unknown[]>('GET', `/v1/health/service/web?cached&index=${index}`)
        if (answer.json?.length === 1) break
        index = answer.headers.get('x-consul-index') ?? '0'
      }
      await api('GET', '/v1/health/service/web?cached')
    }
    await other.kill()
    registry.fault({ leaderless: true })
    while ((await consul.api('GET', '/v1/status/leader')).json !== '');
  })

  afterAll(async () => {
    await registry.close()
    await consul.kill()
    await rm(dataDirs, { recursive: true })
  })

  it.each(requests)('answers %s %s as Consul does', async (method, path, body) => {
    const [our, their] = [await ours(method, path, body), await consul.api(method, path, body)]
    expect(our.status).toBe(their.status)
    // Errors of Consul's key/value store leave it out.
    const isLeaderKnown = their.headers.get('x-consul-knownleader') ?? our.headers.get('x-consul-knownleader')
    expect(our.headers.get('x-consul-knownleader')).toBe(isLeaderKnown)
    expect(count(our)).toEqual(count(their))
  })
})

/** What was said, or of a list how many: the rows' own content is the parity test's. */
function count({ json, text }: { json: unknown; text: string }): unknown {
  if (Array.isArray(json)) return json.length
  return json === undefined ? text : typeof json === 'string' ? json : Object.keys(json as object)
}
