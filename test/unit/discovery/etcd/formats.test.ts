import { describe, expect, it } from 'vitest'
import made from '../../../fixtures/etcd/made.json' with { type: 'json' }
import { ServiceTable } from '../../../../src/discovery/etcd/service-table.ts'
import { formats } from '../../../../src/discovery/etcd/formats/index.ts'
import { etcdFormats } from '../../../../src/config/schema/etcd-source.ts'

/** What the library wrote under a key. */
function written(library: keyof typeof made, id: string): string {
  const found = made[library].find(({ key }) => key.endsWith(`/${id}`))
  if (found === undefined) throw new Error(`no ${id} of ${library}`)
  return found.value
}

const plain = { node: '', weight: 1, zone: '', version: '', tags: [], meta: {}, status: 'passing' }

describe('what real libraries wrote is read', () => {
  it.each(['auto', 'grpc-go'] as const)('of grpc-go, by the format %s', (name) => {
    const read = (id: string) => formats[name](written('grpc-go', id), id)
    expect(read('10.0.0.1:9000')).toEqual([{ ...plain, id: '10.0.0.1:9000', host: '10.0.0.1', port: 9000 }])
    expect(read('10.0.0.2:9000')).toMatchObject([
      { host: '10.0.0.2', zone: 'a', version: '1.2.0', meta: { version: '1.2.0', weight: '3', zone: 'a' } },
    ])
    expect(read('v6')).toMatchObject([{ id: 'v6', host: '2001:db8::1', port: 9000, meta: {} }])
  })

  const byGoMicro = (['go-micro', 'go-micro-4.11'] as const).flatMap((library) => [
    { library, name: 'auto' as const },
    { library, name: 'go-micro' as const },
  ])
  it.each(byGoMicro)('of $library, by the format $name', ({ library, name }) => {
    const read = (id: string) => formats[name](written(library, id), id)
    expect(read('greeter-1')).toMatchObject([
      {
        id: 'greeter-1',
        host: '10.0.0.5',
        port: 8080,
        version: 'latest',
        zone: 'a',
        meta: { protocol: 'grpc', server: 'grpc', team: 'hello' },
      },
    ])
    expect(read('greeter-2')).toMatchObject([{ id: 'greeter-2', host: '10.0.0.6', meta: { protocol: 'http' } }])
  })

  it.each(['auto', 'kratos'] as const)('of Kratos, by the format %s: HTTP before gRPC', (name) => {
    const read = (id: string) => formats[name](written('kratos', id), id)
    expect(read('both')).toMatchObject([
      { id: 'both', host: '127.0.0.1', port: 38071, version: 'v1', zone: 'a', meta: { zone: 'a', protocol: 'http' } },
    ])
    expect(read('secure')).toMatchObject([{ port: 44665, meta: { protocol: 'http', isSecure: 'true' } }])
    expect(read('grpc')).toMatchObject([{ port: 38401, meta: { protocol: 'grpc' } }])
  })

  it.each(['auto', 'go-zero', 'address'] as const)('of go-zero, by the format %s', (name) => {
    for (const { key, value } of made['go-zero']) {
      const id = key.slice(key.lastIndexOf('/') + 1)
      expect(formats[name](value, id)).toEqual([{ ...plain, id, host: '10.0.0.5', port: 8080 }])
    }
  })
})

describe('a value of an older version', () => {
  it('of go-micro has the port apart', () => {
    const value = '{"nodes":[{"id":"n-1","address":"10.0.0.5","port":8080,"metadata":null}]}'
    expect(formats.auto(value, '1')).toMatchObject([{ id: '1', host: '10.0.0.5', port: 8080 }])
  })

  it('of go-micro with several nodes is as many instances', () => {
    const value = '{"nodes":[{"id":"n-1","address":"10.0.0.5:1"},{"id":"n-2","address":"10.0.0.6:2"}]}'
    expect(formats.auto(value, '1')).toMatchObject([{ id: '1/n-1' }, { id: '1/n-2' }])
  })

  it('of go-micro hides the instance of no other key, whatever its nodes are called', () => {
    const table = new ServiceTable({ format: formats.auto, onSkipped: () => {} })
    const value = '{"nodes":[{"id":"a","address":"10.0.0.6:1"},{"id":"b","address":"10.0.0.7:1"}]}'
    table.replace(new Map([['a', '10.0.0.5:80']]).set('z', value), 1)
    expect(table.instances.map(({ host }) => host)).toEqual(['10.0.0.5', '10.0.0.6', '10.0.0.7'])
  })

  it('of Kratos says TLS in the query; plain HTTP is preferred', () => {
    const endpoints = [
      'grpc://10.0.0.5:9000?isSecure=false',
      'http://10.0.0.5:8443?isSecure=true',
      'http://10.0.0.5:8000',
    ]
    expect(formats.auto(JSON.stringify({ endpoints: endpoints }), '1')).toMatchObject([
      { port: 8000, meta: { protocol: 'http' } },
    ])
    expect(formats.auto(JSON.stringify({ endpoints: endpoints.slice(0, 2) }), '1')).toMatchObject([
      { port: 8443, meta: { isSecure: 'true' } },
    ])
  })

  it('of grpc-go that says "deleted" is no instance, and no fault', () => {
    expect(formats.auto('{"Op":1,"Addr":"10.0.0.1:80"}', '1')).toEqual([])
  })
})

describe('plain JSON', () => {
  it('has everything an instance has', () => {
    const value = {
      host: 'web.example.com',
      port: '80',
      weight: 3,
      zone: 'a',
      version: '2',
      tags: ['x'],
      meta: { k: true },
    }
    expect(formats.auto(JSON.stringify(value), '1')).toEqual([
      { ...plain, id: '1', ...value, port: 80, meta: { k: 'true' } },
    ])
  })

  it('may have the port in the address', () => {
    expect(formats.auto('{"address":"[::1]:8080"}', '1')).toMatchObject([{ host: '::1', port: 8080 }])
    expect(formats.auto('{"address":"10.0.0.1","port":8080}', '1')).toMatchObject([{ host: '10.0.0.1', port: 8080 }])
  })
})

const refused: readonly (readonly [value: string, reason: RegExp])[] = [
  ['', /no address/],
  ['10.0.0.1', /"10\.0\.0\.1" has no port/],
  ['2001:db8::1', /has no port/],
  ['10.0.0.1:0', /port "0" is not between 1 and 65535/],
  ['10.0.0.1:99999', /not between/],
  ['http://10.0.0.1:80', /neither an address nor a host name/],
  ['a b:80', /neither an address/],
  ['10.0.0.1\r\nx:80', /"10\.0\.0\.1\\r\\nx" is neither/],
  ['{', /not JSON/],
  ['{}', /no known format: ""/],
  ['{"a":1}', /no known format: "a"/],
  ['{"host":"10.0.0.1"}', /no port/],
  ['{"host":"10.0.0.1","port":80,"weight":-1}', /weight: /],
  ['{"host":7,"port":80}', /host: /],
  ['{"nodes":[]}', /names no node/],
  ['{"nodes":[{"id":"a","address":"10.0.0.1"}]}', /no port/],
  ['{"nodes":"x"}', /nodes: /],
  ['{"endpoints":[]}', /endpoints: /],
  ['{"endpoints":["tcp://10.0.0.1:80"]}', /none of its endpoints is HTTP or gRPC/],
  ['{"endpoints":["http://user@10.0.0.1:80"]}', /neither an address/],
  ['{"Addr":"10.0.0.1"}', /no port/],
  ['{"Addr":1}', /Addr: /],
]

it.each(refused)('says of %j why it is no instance', (value, reason) => {
  expect(formats.auto(value, '1')).toMatch(reason)
})

it.each(['grpc-go', 'go-micro', 'kratos', 'json'] as const)('the format %s takes nothing but its own', (name) => {
  for (const value of ['10.0.0.1:80', '[]', 'null', '"x"', '{"other":1}'])
    expect(formats[name](value, '1')).toBeTypeOf('string')
})

it('has the names that the configuration offers', () => {
  expect(Object.keys(formats)).toEqual([...etcdFormats])
})
