import { findOrFetchConsul } from '../../scripts/fetch-consul.ts'

/**
 * Runs once before all test files, whose processes inherit CONSUL_BIN. A run without a real Consul fails here, saying what to
 * install, rather than skipping tests.
 */
export default async function provideConsul(): Promise<void> {
  process.env.CONSUL_BIN = await findOrFetchConsul()
}
