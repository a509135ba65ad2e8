import { startConsul } from '../../test/support/consul.ts'
import { startEtcd } from '../../test/support/etcd.ts'

/** What a registry has of an instance. */
export type Word = 'passing' | 'critical' | 'gone'

/** A real registry that services join. */
export interface JoinedRegistry {
  readonly name: string
  readonly url: string
  /** For a gateway's configuration. */
  readonly source: object
  readonly wordOf: (service: string, id: string) => Promise<Word>
  readonly end: () => Promise<void>
}

export async function consulToJoin(): Promise<JoinedRegistry> {
  const consul = await startConsul()
  return {
    name: 'Consul',
    url: `consul://127.0.0.1:${consul.port}`,
    source: { type: 'consul', address: consul.address },
    wordOf: async (service, id) => {
      type Row = { Service: { ID: string }; Checks: { Status: string }[] }
      const { json = [] } = await consul.api<Row[]>('GET', `/v1/health/service/${service}`)
      const row = json.find(({ Service }) => Service.ID === id)
      if (row === undefined) return 'gone'
      return row.Checks.some(({ Status }) => Status === 'critical') ? 'critical' : 'passing'
    },
    end: async () => consul.kill(),
  }
}

export async function etcdToJoin(): Promise<JoinedRegistry> {
  const etcd = await startEtcd()
  return {
    name: 'etcd',
    url: `etcd://127.0.0.1:${etcd.port}`,
    source: { type: 'etcd', endpoints: [etcd.address] },
    wordOf: async (service, id) => {
      const ids = await etcd.api.ids(`/micro/services/${service}/`)
      return ids.includes(id) ? 'passing' : 'gone'
    },
    end: async () => etcd.kill(),
  }
}
