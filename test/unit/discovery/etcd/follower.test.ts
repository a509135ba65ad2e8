import { once } from 'node:events'
import { expect, it } from 'vitest'
import { AnswerBox } from '../../../../src/discovery/answer-box.ts'
import { DiscoveryError } from '../../../../src/discovery/contract.ts'
import type { EtcdClient } from '../../../../src/discovery/etcd/client.ts'
import { Follower, type Watcher } from '../../../../src/discovery/etcd/follower.ts'
import { formats } from '../../../../src/discovery/etcd/formats/index.ts'
import { keySpace } from '../../../../src/discovery/etcd/key-space.ts'
import type { KeyChanges } from '../../../../src/discovery/etcd/watch-stream.ts'

type List = EtcdClient['list']
type Changes = EtcdClient['changes']

const keys = keySpace('/p')

function pair(key: string, value: string) {
  return { key, value, rawKey: Buffer.from(key).toString('base64') }
}

function follow(list: List, changes: Changes) {
  const client = { list, changes, rotate: () => {} } as Pick<EtcdClient, 'list' | 'changes' | 'rotate'> as EtcdClient
  const follower = new Follower({ client, keys, format: formats.auto, onSkipped: () => {}, restartIntervalMs: 20 })
  const open = (service: string) => {
    const watcher: Watcher = { service, box: new AnswerBox() }
    follower.add(watcher)
    const answers = watcher.box.answers()
    return { watcher, next: async () => (await answers.next()).value?.instances.map(({ id }) => id) }
  }
  return { follower, open }
}

it('takes a change that comes between a failed read and the next for no whole list', async () => {
  const stream = Promise.withResolvers<KeyChanges>()
  let reads = 0
  const { follower, open } = follow(
    async ({ key }, { take, restart }) => {
      restart()
      if (key !== keys.of('b').key) return { revision: 7, clusterId: '1' }
      if (++reads === 1) throw new DiscoveryError('timeout', 'etcd is busy')
      take([pair('/p/b/1', '10.0.0.1:80'), pair('/p/b/2', '10.0.0.2:80')])
      return { revision: 8, clusterId: '1' }
    },
    async function* (_range, _revision, signal) {
      yield await stream.promise
      await once(signal, 'abort')
    },
  )
  const first = open('a')
  expect(await first.next()).toEqual([])
  const failing = open('b')
  await expect(failing.next()).rejects.toThrow('etcd is busy')
  follower.remove(failing.watcher)
  // Both services change; when `a` has its list, what `b` makes of it is done, too.
  const changed = { value: '10.0.0.2:80', revision: 8 }
  stream.resolve({ revision: 8, changes: ['/p/b/2', '/p/a/2'].map((key) => ({ key, ...changed })) })
  expect(await first.next()).toEqual(['2'])
  expect(await open('b').next()).toEqual(['1', '2'])
  follower.close()
})

it('does not list again and again at once where every start of a watch is compacted', async () => {
  let lists = 0
  const { follower, open } = follow(
    async (_range, { restart }) => {
      lists++
      restart()
      return { revision: 7, clusterId: '1' }
    },
    async function* () {},
  )
  await open('a').next()
  await new Promise((resolve) => void setTimeout(resolve, 200))
  follower.close()
  // Two at once, then one in 20 ms.
  expect(lists).toBeLessThan(20)
})
