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
  it.each([2, 3, 4])('in version %i gives address, version, metadata and zone', (major) => {
    const { instances, skipped } = readInstances('greeter', rowsOf(`go-micro-v${major}`))
    expect(skipped).toEqual([])
    expect(instances).toEqual([
      {
        id: `greeter-${major}-3f2a1b`,
        node: 'consul-under-test',
        host: `10.0.0.${major}`,
        port: 8080,
        weight: 1,
        zone: 'eu-1',
        version: `1.4.${major}`,
        tags: [],
        meta: metadata,
        status: 'passing',
      },
    ])
  })

  it.each([2, 3, 4])('in version %i gives the same from its tags alone', (major) => {
    const rows = rowsOf(`go-micro-v${major}`).map((row) => ({ ...row, Service: { ...row.Service, Meta: null } }))
    const { instances } = readInstances('greeter', rows)
    expect(instances[0]).toMatchObject({ version: `1.4.${major}`, zone: 'eu-1', meta: metadata })
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
