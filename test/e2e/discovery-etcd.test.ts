import { describe, expect, it, onTestFinished } from 'vitest'
import type { Answer } from '../../src/discovery/contract.ts'
import { etcdForTest, sourceForTest, untilIds } from '../support/etcd-stage.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { observeHttp } from '../support/http-traffic.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const prefix = '/micro/services'
const key = (service: string, id: string) => `${prefix}/${service}/${id}`
const ids = (answer: Answer | null) => answer?.instances.map(({ id }) => id)

describe('a watch of etcd', () => {
  it('takes all changes of one revision at once: one list for each service that they touch', async () => {
    const { address, api } = await etcdForTest()
    await api.txn({ [key('a', '1')]: '10.0.0.1:80', [key('b', '1')]: '10.0.1.1:80' })
    const { watch } = sourceForTest({ endpoints: [address] })
    const [a, b] = [watch('a'), watch('b')]
    expect([ids(await a.next()), ids(await b.next())]).toEqual([['1'], ['1']])
    await api.txn({
      [key('a', '1')]: null,
      [key('a', '2')]: '10.0.0.2:80',
      [key('a', '3')]: '10.0.0.3:80',
      [key('b', '2')]: '10.0.1.2:80',
    })
    const [nextOfA, nextOfB] = [await a.next(), await b.next()]
    expect([ids(nextOfA), ids(nextOfB)]).toEqual([
      ['2', '3'],
      ['1', '2'],
    ])
    expect(nextOfA?.position).toBe(await api.revision())
  })

  it('sees an instance leave whose lease is over', async () => {
    const { address, api } = await etcdForTest()
    const lease = await api.grant(60)
    await api.putLeased(key('a', '1'), '10.0.0.1:80', lease)
    const watching = sourceForTest({ endpoints: [address] }).watch('a')
    await untilIds(watching, '1')
    await api.revoke(lease)
    expect(ids(await untilIds(watching))).toEqual([])
  })

  it('needs one list and one stream for all services that begin together, and one small list for each that joins', async () => {
    const { address, port, api } = await etcdForTest()
    const traffic = observeHttp(port)
    onTestFinished(() => traffic.stop())
    for (let i = 0; i < 20; i++) await api.put(key(`s${i}`, '1'), '10.0.0.1:80')
    const { watch } = sourceForTest({ endpoints: [address] })
    const watching = Array.from({ length: 19 }, (_, i) => watch(`s${i}`))
    await Promise.all(watching.map(async (each) => untilIds(each, '1')))
    await untilIds(watch('s19'), '1')
    await untilIds(watch('s18'), '1')
    expect(traffic.paths.toSorted()).toEqual(['/v3/kv/range', '/v3/kv/range', '/v3/watch'])
    await api.put(key('s19', '2'), '10.0.0.2:80')
    await untilIds(watch('s19'), '1', '2')
  })

  it('reads more keys than one page has, at one revision', async () => {
    const { address, api } = await etcdForTest()
    const all = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [key('a', `${100 + i}`), '10.0.0.1:80']))
    await api.txn(all)
    const { watch } = sourceForTest({ endpoints: [address] }, { pageKeys: 7 })
    expect(ids(await watch('a').next())).toHaveLength(100)
  })

  it('lists again, without an error, where what was to follow is compacted', async () => {
    const { port, api } = await etcdForTest()
    const proxy = await startTcpProxy(port)
    onTestFinished(async () => proxy.close())
    await api.put(key('a', '1'), '10.0.0.1:80')
    // The list is read over the first connection, the stream has the second.
    const streamWaits = proxy.hold(1)
    const watching = sourceForTest({ endpoints: [proxy.address] }).watch('a')
    await untilIds(watching, '1')
    await streamWaits
    await api.txn({ [key('a', '1')]: null, [key('a', '2')]: '10.0.0.2:80' })
    await api.put(key('a', '3'), '10.0.0.3:80')
    await api.compact(await api.revision())
    proxy.release()
    expect(ids(await watching.next())).toEqual(['2', '3'])
    await api.delete(key('a', '3'))
    expect(ids(await watching.next())).toEqual(['2'])
  })

  it('keeps services apart whose names begin alike, with slashes, or with no prefix at all', async () => {
    const { address, api } = await etcdForTest()
    await api.txn({
      [key('shop', '1')]: '10.0.0.1:80',
      [key('shop/cart', '2')]: '10.0.0.2:80',
      [key('shopping', '3')]: '10.0.0.3:80',
      'user.rpc/7587': '10.0.0.4:80',
    })
    const { watch } = sourceForTest({ endpoints: [address], prefix: `${prefix}/` })
    expect(ids(await watch('shop').next())).toEqual(['1'])
    expect(ids(await watch('shop/cart').next())).toEqual(['2'])
    const bare = sourceForTest({ endpoints: [address], prefix: '' })
    expect(ids(await bare.watch('user.rpc').next())).toEqual(['7587'])
    expect(ids(await bare.watch('/micro/services/shop').next())).toEqual(['1'])
    expect(
      ids(
        await sourceForTest({ endpoints: [address], prefix: '/' })
          .watch('micro/services/shopping')
          .next(),
      ),
    ).toEqual(['3'])
  })

  it('leaves out and names what can not be read, once, and keeps its neighbours', async () => {
    const { address, api } = await etcdForTest()
    await api.txn({ [key('a', '1')]: 'nonsense', [key('a', '2')]: '10.0.0.2:80', [key('b', '1')]: '{' })
    const { watch, skipped } = sourceForTest({ endpoints: [address] })
    const watching = watch('a')
    await untilIds(watching, '2')
    await api.put(key('a', '3'), '10.0.0.3:80')
    await untilIds(watching, '2', '3')
    await api.put(key('a', '1'), '{"host":"10.0.0.1"}')
    await api.put(key('a', '1'), '10.0.0.1:80')
    await untilIds(watching, '1', '2', '3')
    expect(skipped).toEqual([
      { service: 'a', entry: key('a', '1'), reason: '"nonsense" has no port' },
      { service: 'a', entry: key('a', '1'), reason: '"10.0.0.1" has no port' },
    ])
  })
})

describe('an etcd that goes away', () => {
  it('and comes back with its keys doubts nothing; back without them, says so', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'tidegate-etcd-'))
    onTestFinished(async () => rm(dataDir, { recursive: true, force: true }))
    const before = await etcdForTest({ dataDir })
    const { port, address } = before
    for (const id of ['1', '2', '3']) await before.api.put(key('a', id), '10.0.0.1:80')
    const { watch } = sourceForTest({ endpoints: [address] })
    const watching = watch('a')
    const { position } = await untilIds(watching, '1', '2', '3')
    await before.kill()
    await expect(watching.next()).rejects.toMatchObject({ code: 'unreachable' })

    const kept = await etcdForTest({ port, dataDir })
    const again = watch('a')
    expect(await again.next()).toMatchObject({ position, mayHaveForgotten: false })
    await kept.kill()
    await expect(again.next()).rejects.toMatchObject({ code: 'unreachable' })

    await etcdForTest({ port })
    expect(await watch('a').next()).toMatchObject({ instances: [], position: 1, mayHaveForgotten: true })
  })

  it('by falling silent is noticed', async () => {
    const { port, api } = await etcdForTest()
    const proxy = await startTcpProxy(port)
    onTestFinished(async () => proxy.close())
    await api.put(key('a', '1'), '10.0.0.1:80')
    const { watch } = sourceForTest({ endpoints: [proxy.address] }, { probeIntervalMs: 50 })
    const watching = watch('a')
    await untilIds(watching, '1')
    await api.put(key('a', '2'), '10.0.0.2:80')
    await untilIds(watching, '1', '2')
    proxy.fallSilent()
    await expect(watching.next()).rejects.toMatchObject({ name: 'DiscoveryError', code: 'timeout' })
  })

  it('leaves no stream of ours behind, nor does a watch that ends', async () => {
    const { address, port, api } = await etcdForTest()
    const { watch } = sourceForTest({ endpoints: [address] })
    const streams = async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      return Number(/^etcd_debugging_mvcc_watcher_total (\d+)/m.exec(text)?.[1])
    }
    for (let round = 0; round < 3; round++) {
      const all = ['a', 'b', 'c'].map((service) => watch(service))
      await api.put(key('a', `${round}`), '10.0.0.1:80')
      await all[0]?.until(({ instances }) => instances.length === round + 1)
      // The first list may be quicker than the stream.
      while ((await streams()) === 0);
      expect(await streams()).toBe(1)
      for (const each of all) await each.stop()
    }
    // Its going takes etcd a moment, of which nothing tells but asking.
    while ((await streams()) > 0);
  })
})
