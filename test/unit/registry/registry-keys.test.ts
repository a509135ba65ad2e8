import Consul from 'consul'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KeyStore } from '../../../src/registry/key-store.ts'
import { Leadership } from '../../../src/registry/leadership.ts'
import { createRegistry, type Registry } from '../../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../../support/consul-api.ts'

describe('keys of the registry', () => {
  let registry: Registry
  let api: ConsulApi
  let consul: Consul

  beforeEach(async () => {
    registry = createRegistry({ port: 0 })
    const { address } = await registry.start()
    api = consulApi(address)
    consul = new Consul({ host: '127.0.0.1', port: Number(new URL(address).port) })
  })

  afterEach(async () => {
    consul.destroy()
    await registry.close()
  })

  it('are set, read, listed and deleted by the consul package', async () => {
    expect(await consul.kv.set('app/name', 'tide')).toBe(true)
    expect(await consul.kv.get('app/name')).toMatchObject({ Key: 'app/name', Value: 'tide', Flags: 0 })
    expect(await consul.kv.keys('app/')).toEqual(['app/name'])
    await consul.kv.del({ key: 'app/', recurse: true })
    expect(await consul.kv.get('app/name')).toBeUndefined()
  })

  it('wake who waits for a key to come, to change and to go', async () => {
    const seen: unknown[] = []
    let waiting = await api('GET', '/v1/kv/a/b?raw')
    for (const [method, body] of [
      ['PUT', '1'],
      ['PUT', '2'],
      ['DELETE', undefined],
    ] as const) {
      const next = api('GET', `/v1/kv/a/b?raw&index=${waiting.headers.get('x-consul-index')}&wait=10m`)
      await api('GET', '/v1/status/leader')
      await api(method, '/v1/kv/a/b', body)
      waiting = await next
      seen.push([waiting.status, waiting.text])
    }
    expect(seen).toEqual([
      [200, '1'],
      [200, '2'],
      [404, ''],
    ])
  })

  it('give a raw value that no browser takes for a page', async () => {
    await api('PUT', '/v1/kv/page', '<script>alert(1)</script>')
    const { headers, text } = await api('GET', '/v1/kv/page?raw')
    expect(text).toBe('<script>alert(1)</script>')
    expect(
      ['content-type', 'x-content-type-options', 'content-security-policy'].map((name) => headers.get(name)),
    ).toEqual(['text/plain', 'nosniff', 'sandbox'])
  })

  it.each([
    ['acquire=6c7a', '', 400, '?acquire is not supported by this registry, which has no sessions'],
    ['release=6c7a', '', 400, '?release is not supported by this registry, which has no sessions'],
    ['flags=18446744073709551615', '', 400, '?flags is larger than this registry keeps: 9007199254740991'],
    ['', 'x'.repeat(512 * 1024 + 1), 413, 'Request body(524289 bytes) too large, max size: 524288 bytes.'],
  ])('refuse ?%s %.0s with %i', async (query, body, status, text) => {
    const answer = await api('PUT', `/v1/kv/key?${query}`, body)
    expect([answer.status, answer.text]).toEqual([status, text])
    expect((await api('GET', '/v1/kv/key')).status).toBe(404)
  })
})

describe('the key store', () => {
  it('forgets the oldest ends of keys when there are very many', () => {
    const keys = new KeyStore(new Leadership())
    const touch = (key: string) => {
      keys.put(key, Buffer.from('x'), 0)
      keys.delete(key)
    }
    touch('first/')
    const index = keys.lastIndex
    keys.put('other', Buffer.from('x'), 0)
    expect(keys.indexBelow('first/')).toBe(index)
    for (let count = 0; count < 10_000; count++) touch(`key/${count}`)
    expect(keys.indexBelow('first/')).toBe(keys.lastIndex)
  })
})
