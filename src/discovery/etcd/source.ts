import { AnswerBox } from '../answer-box.ts'
import type { DiscoveryContext } from '../context.ts'
import type { Answer, Discovery } from '../contract.ts'
import { EtcdClient } from './client.ts'
import { Follower, type Watcher } from './follower.ts'
import { formats } from './formats/index.ts'
import { keySpace } from './key-space.ts'
import { type EtcdLimits, etcdLimits, type EtcdOptions } from './options.ts'

/** Instances as the keys of an etcd list them: the children of `<prefix>/<service>/`. All watches share one connection. */
export function etcd(options: EtcdOptions, context: DiscoveryContext, limits: EtcdLimits = etcdLimits): Discovery {
  const client = new EtcdClient(options, limits, context.random)
  const follower = new Follower({
    client,
    keys: keySpace(options.prefix),
    format: formats[options.format],
    onSkipped: context.onSkipped,
    restartIntervalMs: limits.restartIntervalMs,
  })
  let isClosed = false
  return {
    watch(service: string, signal: AbortSignal): AsyncIterable<Answer> {
      const watcher: Watcher = { service, box: new AnswerBox() }
      return watcher.box.answers(signal, {
        begin: () => (isClosed ? watcher.box.end() : follower.add(watcher)),
        over: () => follower.remove(watcher),
      })
    },
    async close() {
      isClosed = true
      follower.close()
      client.close()
    },
  }
}
