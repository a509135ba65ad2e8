import { describe, expect, it } from 'vitest'
import { readInstances } from '../../../../src/discovery/consul/instances.ts'
import { serviceRow } from '../../../support/scripted-registry.ts'

const nodeCheck = { CheckID: 'serfHealth', Status: 'passing', ServiceID: '' }
const ownCheck = { CheckID: 'service:web-1', Status: 'passing', ServiceID: 'web-1' }

/** The only instance, or the reason why there is none. */
function read(service: object, node: object = {}, checks?: unknown) {
  const row = serviceRow({ id: 'web-1', service, node, ...(checks !== undefined && { checks }) })
  const { instances, skipped } = readInstances('web', [row])
  return instances[0] ?? skipped[0]?.reason
}

describe('rows of a service', () => {
  it('have the address that the service tagged for the LAN, its own, or that of the node', () => {
    const TaggedAddresses = { lan: { Address: '10.9.9.9', Port: 99 } }
    expect(read({ Address: '10.0.0.1', Port: 80, TaggedAddresses })).toMatchObject({ host: '10.9.9.9', port: 99 })
    expect(read({ Address: '10.0.0.1', Port: 80 })).toMatchObject({ host: '10.0.0.1', port: 80 })
    expect(read({ Address: '' })).toMatchObject({ host: '10.1.0.1', port: 80 })
    expect(read({ Address: null, TaggedAddresses: null })).toMatchObject({ host: '10.1.0.1', port: 80 })
  })

  it('take the port of the service where the LAN address has none, and pass over one that is no address', () => {
    const lan = { Address: '10.9.9.9' }
    expect(read({ TaggedAddresses: { lan } })).toMatchObject({ host: '10.9.9.9', port: 80 })
    expect(read({ TaggedAddresses: { lan: 'odd', wan: 7 } })).toMatchObject({ host: '10.0.0.1' })
    expect(read({ TaggedAddresses: { lan: { Address: 'http://x' } } })).toMatchObject({ host: '10.0.0.1' })
  })

  it('are reached where Kratos serves HTTP, whatever comes first in its own address', () => {
    const grpc = { Address: 'grpc://10.0.0.1:9000', Port: 9000 }
    const http = { Address: 'http://10.0.0.1:8000', Port: 8000 }
    const both = read({ Address: '10.0.0.1', Port: 9000, TaggedAddresses: { grpc, http, lan_ipv4: { Address: 'x' } } })
    expect(both).toMatchObject({ host: '10.0.0.1', port: 8000, meta: {} })
    const one = read({ Address: '', TaggedAddresses: { grpc } })
    expect(one).toMatchObject({ host: '10.0.0.1', port: 9000, meta: { protocol: 'grpc' } })
    const inBrackets = { http: { Address: 'http://[2001:db8::1]:80?isSecure=false' } }
    expect(read({ TaggedAddresses: inBrackets })).toMatchObject({ host: '2001:db8::1', port: 80 })
  })

  it('are not disturbed by URLs of Kratos that nobody can read', () => {
    for (const Address of ['http://', 'http://10.0.0.2', 'http://[::1:80', 'https://10.0.0.2:80', '']) {
      expect(read({ TaggedAddresses: { http: { Address } } })).toMatchObject({ host: '10.0.0.1', port: 80 })
    }
  })

  it('may hold IPv6 addresses, in brackets or not', () => {
    expect(read({ Address: '[2001:db8::1]' })).toMatchObject({ host: '2001:db8::1' })
    expect(read({ Address: '2001:db8::1' })).toMatchObject({ host: '2001:db8::1' })
  })

  it('take the zone from the service, else from the node', () => {
    expect(read({ Meta: { zone: 'a' } }, { Meta: { zone: 'b' } })).toMatchObject({ zone: 'a' })
    expect(read({ Meta: null }, { Meta: { zone: 'b' } })).toMatchObject({ zone: 'b' })
    expect(read({ Meta: {} })).toMatchObject({ zone: '', version: '' })
  })

  it('weigh 1 when the agent is too old to know weights', () => {
    expect(read({})).toMatchObject({ weight: 1 })
    expect(read({ Weights: { Passing: -3, Warning: 'x' } })).toMatchObject({ weight: 1 })
  })

  it('weigh what they ask for in their status', () => {
    const Weights = { Passing: 5, Warning: 0 }
    const warning = { ...ownCheck, Status: 'warning' }
    expect(read({ Weights })).toMatchObject({ weight: 5 })
    expect(read({ Weights }, {}, [ownCheck, warning])).toMatchObject({ weight: 0, status: 'warning' })
  })

  it('count a check of the node for every instance on it', () => {
    expect(read({}, {}, [{ ...nodeCheck, Status: 'critical' }, ownCheck])).toMatchObject({ status: 'critical' })
  })

  it.each([
    ['no address', { Address: '' }, { Address: '' }, 'it has no address'],
    ['port 0', { Port: 0 }, {}, 'port 0 is not between 1 and 65535'],
    ['a port that is too large', { Port: 70000 }, {}, 'port 70000 is not between 1 and 65535'],
    ['a port that is no number', { Port: '80' }, {}, 'Service.Port: Invalid input: expected number, received string'],
    ['no id', { ID: '' }, {}, 'Service.ID: Too small: expected string to have >=1 characters'],
    ['a URL for an address', { Address: 'http://a' }, {}, '"http://a" is neither an address nor a host name'],
    ['a line break in the address', { Address: 'a\r\nb' }, {}, '"a\\r\\nb" is neither an address nor a host name'],
    ['tags that are no list', { Tags: 'blue' }, {}, 'Service.Tags: Invalid input: expected array, received string'],
  ])('are skipped with %s', (_, service, node, reason) => {
    expect(read(service, node)).toBe(reason)
  })

  it('are skipped when an earlier row has the same node and id', () => {
    const again = serviceRow({ id: 'web-1', service: { Port: 81 } })
    const elsewhere = serviceRow({ id: 'web-1', node: { Node: 'n2' } })
    const { instances, skipped } = readInstances('web', [serviceRow({ id: 'web-1' }), again, elsewhere])
    expect(instances.map(({ node, port }) => `${node}:${port}`)).toEqual(['n1:80', 'n2:80'])
    expect(skipped).toEqual([{ service: 'web', entry: 'n1/web-1', reason: 'node and id are those of an earlier row' }])
  })

  it('are skipped for that as well where they are of no use themselves', () => {
    const { skipped } = readInstances('web', [
      serviceRow({ id: 'web-1' }),
      serviceRow({ id: 'web-1', service: { Port: 0 } }),
    ])
    const reasons = ['port 0 is not between 1 and 65535', 'node and id are those of an earlier row']
    expect(skipped.map(({ reason }) => reason)).toEqual(reasons)
  })

  it('come out in the order of node and id', () => {
    const rows = ['c', 'a', 'b'].map((id) => serviceRow({ id }))
    expect(readInstances('web', rows).instances.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  })

  it('tell whether an instance has no check of its own', () => {
    const unchecked = serviceRow({ id: 'web-1', checks: [nodeCheck] })
    const checked = serviceRow({ id: 'web-2', checks: [nodeCheck, ownCheck] })
    expect(readInstances('web', [checked]).hasUnchecked).toBe(false)
    expect(readInstances('web', [checked, unchecked]).hasUnchecked).toBe(true)
  })
})

describe('tags of routes', () => {
  it('have the datacenter in place of $DC, others are left alone', () => {
    const Tags = ['urlprefix-$DC.example.com/${DC}/$DCX', 'blue-$DC']
    const row = serviceRow({ id: 'web-1', node: { Datacenter: 'eu$1' }, service: { Tags } })
    const tagsWith = (prefix: string | null) => readInstances('web', [row], prefix).instances[0]?.tags
    expect(tagsWith('urlprefix-')).toEqual(['urlprefix-eu$1.example.com/eu$1/$DCX', 'blue-$DC'])
    expect(tagsWith(null)).toEqual(Tags)
  })
})

describe('a tag that can not be read', () => {
  it('is named, with the instance that is used without it', () => {
    const row = serviceRow({ id: 'web-1', service: { Tags: ['v-789cff', 'blue'] } })
    const { instances, skipped } = readInstances('web', [row])
    expect(instances).toMatchObject([{ id: 'web-1', tags: ['blue'], version: '' }])
    expect(skipped).toEqual([
      { service: 'web', entry: 'n1/web-1', reason: 'its tag "v-789cff" can\'t be read and is left out' },
    ])
  })
})
