import { type experimental, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { resolverFor } from '../../../../src/join/grpc/resolver.ts'
import { defaultServiceConfig } from '../../../../src/join/grpc/service-config.ts'
import { createRegistry, type Registry } from '../../../../src/registry/registry.ts'
import { consulApi, type ConsulApi } from '../../../support/consul-api.ts'

let registry: Registry
let api: ConsulApi
let authority: string
let services = 0

beforeAll(async () => {
  registry = createRegistry({ port: 0 })
  const { address } = await registry.start()
  api = consulApi(address)
  authority = new URL(address).host
})

afterAll(() => registry.close())

/** What a channel is told, one after the other. */
class Told {
  readonly #events: unknown[] = []
  #arrived = Promise.withResolvers<void>()
  readonly add = (event: unknown): void => {
    this.#events.push(event)
    this.#arrived.resolve()
  }

  get count(): number {
    return this.#events.length
  }

  async next(): Promise<unknown> {
    while (this.#events.length === 0) {
      this.#arrived = Promise.withResolvers()
      await this.#arrived.promise
    }
    return this.#events.shift()
  }
}

const shapes = {
  'a listener of grpc-js 1.14': (told: Told) => {
    return ((
      endpoints: { ok: boolean; value?: unknown; error?: { code: number } },
      _: object,
      config: { value: unknown } | null,
    ) => {
      told.add(
        endpoints.ok ? { endpoints: endpoints.value, config: config?.value ?? null } : { code: endpoints.error?.code },
      )
      return true
    }) as unknown as experimental.ResolverListener
  },
  'a listener of grpc-js 1.13': (told: Told) => {
    return {
      onSuccessfulResolution: (endpoints: unknown, config: unknown) => told.add({ endpoints, config }),
      onError: ({ code }: { code: number }) => told.add({ code }),
    } as unknown as experimental.ResolverListener
  },
}

const add = (service: string, port: number) => {
  return api('PUT', '/v1/agent/service/register', {
    Name: service,
    ID: `${service}-${port}`,
    Address: '127.0.0.1',
    Port: port,
  })
}
const endpoint = (port: number) => ({ addresses: [{ host: '127.0.0.1', port }] })

describe.each(Object.entries(shapes))('%s', (_, listenerFor) => {
  function resolverOf(path: string, options: object = {}, at = authority) {
    const told = new Told()
    const Resolver = resolverFor('consul', { serviceConfig: defaultServiceConfig })
    const resolver = new Resolver({ scheme: 'consul', authority: at, path }, listenerFor(told), options)
    onTestFinished(() => resolver.destroy())
    return { resolver, told, Resolver }
  }

  it('hears of all instances, and of each change', async () => {
    const service = `service-${++services}`
    await add(service, 1)
    const { resolver, told } = resolverOf(service)
    resolver.updateResolution()
    expect(await told.next()).toEqual({ endpoints: [endpoint(1)], config: defaultServiceConfig })
    await add(service, 2)
    expect(await told.next()).toMatchObject({ endpoints: [endpoint(1), endpoint(2)] })
  })

  it('hears that there is none, in words that end the calls that wait', async () => {
    const { resolver, told } = resolverOf('nobody')
    resolver.updateResolution()
    expect(await told.next()).toEqual({ endpoints: [], config: defaultServiceConfig })
    expect(await told.next()).toEqual({ code: status.UNAVAILABLE })
  })

  it('is told nothing while its channel calls, and one thing for many calls', async () => {
    const service = `service-${++services}`
    await add(service, 1)
    const { resolver, told } = resolverOf(service)
    resolver.updateResolution()
    await told.next()
    for (let call = 0; call < 10; call++) resolver.updateResolution()
    expect(told.count).toBe(0)
    expect(await told.next()).toMatchObject({ endpoints: [endpoint(1)] })
    expect(told.count).toBe(0)
  })

  it('hears nothing once destroyed, and all again when it is wanted again', async () => {
    const service = `service-${++services}`
    await add(service, 1)
    const { resolver, told } = resolverOf(service)
    resolver.updateResolution()
    await told.next()
    resolver.updateResolution()
    resolver.destroy()
    await new Promise(setImmediate)
    expect(told.count).toBe(0)
    await add(service, 2)
    resolver.updateResolution()
    expect(await told.next()).toMatchObject({ endpoints: [endpoint(1)] })
    expect(await told.next()).toMatchObject({ endpoints: [endpoint(1), endpoint(2)] })
  })

  it('hears why, where the registry can not be asked', async () => {
    const { resolver, told } = resolverOf('x', {}, '127.0.0.1:1')
    resolver.updateResolution()
    expect(await told.next()).toEqual({ code: status.UNAVAILABLE })
  })

  it('hears why, where the target makes no sense to the registry: nobody would catch what is thrown', async () => {
    const { resolver, told } = resolverOf('x?nonsense=1')
    resolver.updateResolution()
    expect(await told.next()).toEqual({ code: status.UNAVAILABLE })
  })

  it('gets no service config where its channel has its own', async () => {
    const service = `service-${++services}`
    await add(service, 1)
    const { resolver, told } = resolverOf(service, { 'grpc.service_config': '{}' })
    resolver.updateResolution()
    expect(await told.next()).toEqual({ endpoints: [endpoint(1)], config: null })
  })

  it('is not made for a target without a service', () => {
    expect(() => resolverOf('?tag=x')).toThrow('names no service; write consul:///SERVICE')
  })

  it('has the service as its authority', () => {
    const { Resolver } = resolverOf('users?tag=x')
    expect(Resolver.getDefaultAuthority({ scheme: 'consul', authority, path: 'users?tag=x' })).toBe('users')
  })
})
