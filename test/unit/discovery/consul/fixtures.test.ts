import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readInstances } from '../../../../src/discovery/consul/instances.ts'

type FixtureRow = { Service: { Meta: unknown } }

function rowsOf(name: string): FixtureRow[] {
  return JSON.parse(readFileSync(new URL(`../../../fixtures/consul/${name}.json`, import.meta.url), 'utf8'))
}

const metadata = {
  protocol: 'grpc',
  server: 'grpc',
  transport: 'grpc',
  broker: 'http',
  registry: 'consul',
  zone: 'eu-1',
}

describe('what go-micro registers', () => {
  const versions = ['2', '3', '4', '4-11'].map((name) => ({ name, last: Number(name.split('-').at(-1)) }))

  it.each(versions)('in version $name gives address, version, metadata and zone', ({ name, last }) => {
    const { instances, skipped } = readInstances('greeter', rowsOf(`go-micro-v${name}`))
    expect(skipped).toEqual([])
    expect(instances).toEqual([
      {
        id: `greeter-${name}-3f2a1b`,
        node: 'consul-under-test',
        host: `10.0.0.${last}`,
        port: 8080,
        weight: 1,
        zone: 'eu-1',
        version: `1.4.${last}`,
        tags: [],
        meta: metadata,
        status: 'passing',
      },
    ])
  })

  it('has the metadata in `Meta`, too, by its newer plugin: its tags alone give the same', () => {
    const rows = rowsOf('go-micro-v4-11')
    expect(rows.map(({ Service }) => Service.Meta)).toEqual([metadata])
    const bare = rows.map((row) => ({ ...row, Service: { ...row.Service, Meta: null } }))
    expect(readInstances('greeter', bare)).toEqual(readInstances('greeter', rows))
  })
})

describe('what Kratos registers', () => {
  it('gives the address for HTTP, else that for gRPC, and the version', () => {
    const { instances, skipped } = readInstances('helloworld', rowsOf('kratos'))
    expect(skipped).toEqual([])
    expect(instances).toMatchObject([
      { id: 'helloworld-1', host: '10.0.1.1', port: 8000, version: 'v1.2.0', zone: 'eu-1', meta: { zone: 'eu-1' } },
      { id: 'helloworld-2', host: '10.0.1.2', port: 9000, version: 'v1.3.0', meta: { protocol: 'grpc' } },
    ])
  })
})
