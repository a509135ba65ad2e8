import { findOrFetchConsul } from '../../scripts/fetch-consul.ts'
import { findOrFetchEtcd } from '../../scripts/fetch-etcd.ts'

/**
 * Runs once before all test files, whose processes inherit CONSUL_BIN and ETCD_BIN. A run without the real registries fails here,
 * saying what to install, rather than skipping tests.
 */
export default async function provideRegistries(): Promise<void> {
  process.env.CONSUL_BIN = await findOrFetchConsul()
  process.env.ETCD_BIN = await findOrFetchEtcd()
}
