import type { EtcdOptions } from '../../src/discovery/etcd/options.ts'

/** The options of a source, as far as a test does not say otherwise. */
export function etcdOptions(said: Partial<EtcdOptions> & Pick<EtcdOptions, 'endpoints'>): EtcdOptions {
  return {
    name: 'etcd',
    type: 'etcd',
    prefix: '/micro/services',
    format: 'auto',
    username: null,
    password: null,
    tls: null,
    ...said,
  }
}
