import { onTestFinished } from 'vitest'
import type { SkippedEntry } from '../../src/discovery/contract.ts'
import { type EtcdLimits, etcdLimits, type EtcdOptions } from '../../src/discovery/etcd/options.ts'
import { etcd } from '../../src/discovery/etcd/source.ts'
import { etcdOptions } from './etcd-discovery.ts'
import { type Etcd, type EtcdOptions as ProcessOptions, startEtcd } from './etcd.ts'
import { watch, type Watching } from './watching.ts'

export async function etcdForTest(options: ProcessOptions = {}): Promise<Etcd> {
  const running = await startEtcd(options)
  onTestFinished(async () => running.kill())
  return running
}

/** A source that is closed with the test; it asks the first endpoint first. */
export function sourceForTest(
  options: Partial<EtcdOptions> & Pick<EtcdOptions, 'endpoints'>,
  limits: Partial<EtcdLimits> = {},
) {
  const skipped: SkippedEntry[] = []
  const context = { random: () => 0, onSkipped: (entry: SkippedEntry) => void skipped.push(entry) }
  const discovery = etcd(etcdOptions(options), context, { ...etcdLimits, ...limits })
  onTestFinished(async () => discovery.close())
  return { discovery, skipped, watch: (service: string): Watching => watch(discovery, service) }
}

/** `ids` of the next list that has just these. */
export async function untilIds(watching: Watching, ...ids: readonly string[]) {
  return watching.until(({ instances }) => instances.map(({ id }) => id).join() === ids.join())
}
