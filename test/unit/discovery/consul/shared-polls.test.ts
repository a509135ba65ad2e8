import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { SharedPolls } from '../../../../src/discovery/consul/shared-polls.ts'
import { Watcher } from '../../../../src/discovery/consul/watcher.ts'
import { fakeConsulClient } from '../../../support/fake-consul-client.ts'
import { serviceRow } from '../../../support/scripted-registry.ts'

const own = (service: string, Status = 'passing') => ({
  Node: 'n1',
  CheckID: `service:${service}`,
  ServiceName: service,
  ServiceID: service,
  Status,
})
const serf = { Node: 'n1', CheckID: 'serfHealth', ServiceName: '', ServiceID: '', Status: 'passing' }

/** Watches `absent`, and others with one instance each; all but `plain` have checks of their own. */
async function start(services: readonly string[] = ['a', 'b', 'plain']) {
  const client = fakeConsulClient()
  const checked = services.filter((service) => service !== 'plain')
  for (const service of services) {
    const checks = service === 'plain' ? [serf] : [serf, own(service)]
    client.rows[service] = [serviceRow({ id: service, checks })]
  }
  client.checksTable = [serf, ...checked.map((service) => own(service))]
  const watchers = new Set([...services, 'absent'].map((service) => new Watcher(service, { onSkipped: () => {} })))
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const polls = new SharedPolls(client, watchers, stop.signal)
  const ended = polls.run()
  ended.catch(() => {})
  await vi.advanceTimersByTimeAsync(0)
  const watcher = (service: string) => [...watchers].find((each) => each.service === service)!
  const latest = async (service: string) => (await watcher(service).box.answers().next()).value ?? null
  const readsNow = async () => {
    client.reads.length = 0
    await vi.advanceTimersByTimeAsync(0)
    return client.reads
  }
  return { client, polls, watchers, ended, watcher, latest, readsNow, stop }
}

describe('shared queries', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('read every service once at the start, absent ones too', async () => {
    const { client, latest } = await start()
    expect(client.reads.toSorted()).toEqual(['a', 'absent', 'b', 'plain'])
    expect(await latest('absent')).toMatchObject({ instances: [] })
    expect(await latest('a')).toMatchObject({ instances: [{ id: 'a' }] })
  })

  it('read only the service whose check has changed', async () => {
    const { client, readsNow } = await start()
    client.checksTable = [serf, own('a', 'critical'), own('b')]
    client.rows.a = [serviceRow({ id: 'a', checks: [serf, own('a', 'critical')] })]
    client.move('checks', 2)
    expect(await readsNow()).toEqual(['a'])
  })

  it('read every service on a node whose own check has changed', async () => {
    const { client, readsNow } = await start()
    client.rows.b = [serviceRow({ id: 'b', node: { Node: 'n2' }, checks: [own('b')] })]
    client.checksTable = [serf, own('a'), own('b'), { ...serf, CheckID: '_node_maintenance' }]
    client.move('checks', 2)
    expect((await readsNow()).toSorted()).toEqual(['a', 'b', 'plain'])
  })

  it('read nothing when only the output of a check is new', async () => {
    const { client, readsNow } = await start()
    client.checksTable = [serf, { ...own('a'), Output: 'fine' }, own('b')]
    client.move('checks', 2)
    expect(await readsNow()).toEqual([])
  })

  it('read everything when something registered, the likeliest first', async () => {
    const { client, readsNow } = await start()
    client.servicesTable = { b: ['blue'] }
    client.move('services', 2)
    expect((await readsNow()).slice(0, 4)).toEqual(['b', 'plain', 'absent', 'a'])
  })

  it('sweep twice at once and then at most twice a second, however often something registers', async () => {
    const { client } = await start()
    client.reads.length = 0
    for (let index = 2; index < 42; index++) {
      client.move('services', index)
      await vi.advanceTimersByTimeAsync(50)
    }
    await vi.advanceTimersByTimeAsync(10_000)
    // 2 s of registrations: two sweeps at once, then one every 500 ms.
    expect(client.reads.filter((service) => service === 'absent')).toHaveLength(6)
  })

  it('look again a little later when a server that lags behind shows no change yet', async () => {
    const { client, latest, readsNow } = await start()
    await latest('a')
    client.checksTable = [serf, own('a', 'critical'), own('b')]
    client.move('checks', 2)
    expect(await readsNow()).toEqual(['a'])
    client.rows.a = [serviceRow({ id: 'a', checks: [serf, own('a', 'critical')] })]
    await vi.advanceTimersByTimeAsync(250)
    expect(client.reads).toEqual(['a', 'a'])
    expect(await latest('a')).toMatchObject({ instances: [{ status: 'critical' }] })
  })

  it('look again a little later when a server lags behind what was read before, and believe the second look', async () => {
    const { client, latest, watcher, readsNow } = await start()
    client.serviceIndexes.a = 100
    client.rows.a = []
    client.move('services', 2)
    await readsNow()
    expect(await latest('a')).toMatchObject({ instances: [], position: 100 })
    // The next server has not heard yet that the instance is gone.
    client.serviceIndexes.a = 99
    client.rows.a = [serviceRow({ id: 'a', checks: [serf, own('a')] })]
    client.checksTable = [serf, own('a', 'critical'), own('b')]
    client.move('checks', 2)
    expect(await readsNow()).toContain('a')
    expect(watcher('a').isEmpty).toBe(true)
    client.serviceIndexes.a = 100
    client.rows.a = []
    await vi.advanceTimersByTimeAsync(500)
    expect(watcher('a').isEmpty).toBe(true)
    // One that is behind for good has lost its memory.
    client.serviceIndexes.a = 3
    client.rows.a = [serviceRow({ id: 'again', checks: [] })]
    client.move('services', 4)
    await vi.advanceTimersByTimeAsync(2000)
    expect(await latest('a')).toMatchObject({ instances: [{ id: 'again' }], position: 3, mayHaveForgotten: true })
  })

  it('doubt every list when an index goes backwards', async () => {
    const { client, latest } = await start()
    client.move('checks', 9)
    await vi.advanceTimersByTimeAsync(0)
    for (const service of ['a', 'absent']) await latest(service)
    client.move('checks', 3)
    await vi.advanceTimersByTimeAsync(0)
    expect(await latest('a')).toMatchObject({ mayHaveForgotten: true, instances: [{ id: 'a' }] })
    expect(await latest('absent')).toMatchObject({ mayHaveForgotten: true, instances: [] })
  })

  it('read at most eight services at once, and all of them', async () => {
    const many = Array.from({ length: 30 }, (_, number) => `s${number}`)
    const { client } = await start(many)
    expect(client.reads.toSorted()).toEqual([...many, 'absent'].toSorted())
  })

  it('read a service that is watched later', async () => {
    const { client, polls, watchers, readsNow } = await start()
    const late = new Watcher('late', { onSkipped: () => {} })
    watchers.add(late)
    client.reads.length = 0
    polls.add(late)
    expect(await readsNow()).toEqual([])
    expect(await late.box.answers().next()).toMatchObject({ value: { instances: [] } })
  })

  it('fail one watch when its service can not be read, and all when a query breaks', async () => {
    const { client, watcher, ended, readsNow } = await start()
    client.failures.set('a', new Error('no a'))
    client.checksTable = [serf, own('a', 'critical'), own('b')]
    client.move('checks', 2)
    await readsNow()
    expect([watcher('a').box.hasFailed, watcher('b').box.hasFailed]).toEqual([true, false])
    client.break(new Error('gone'))
    await expect(ended).rejects.toThrow('gone')
  })

  it('stop quietly', async () => {
    const { ended, stop } = await start()
    stop.abort()
    await expect(ended).resolves.toBeUndefined()
    expect(vi.getTimerCount()).toBe(0)
  })
})
